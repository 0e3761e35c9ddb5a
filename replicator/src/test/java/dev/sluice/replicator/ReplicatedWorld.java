package dev.sluice.replicator;

import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.sluice.cache.restore.DatabasePlace;
import dev.sluice.cache.restore.Restorer;
import dev.sluice.ltx.Txid;
import dev.sluice.storage.Listings;
import dev.sluice.storage.LtxFile;
import dev.sluice.storage.ReplicaClient;
import dev.sluice.storage.ReplicaClients;
import dev.sluice.storage.ReplicaUrl;
import dev.sluice.storage.RequestMeter;
import dev.sluice.storage.Target;
import dev.sluice.testkit.Seed;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.SQLException;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.TreeSet;
import java.util.concurrent.TimeUnit;

/**
 * An application, its database and the directory in which a replica of it is made. Confined to one
 * thread at a time.
 */
final class ReplicatedWorld implements AutoCloseable {
  /** Longer than anything takes. */
  static final Duration SURELY = Duration.ofSeconds(30);

  private final Path folder;
  final Path database;
  final Path replica;
  final ReplicaUrl url;
  final NumberedApplication application;

  ReplicatedWorld(Path folder, Seed seed) throws IOException, SQLException {
    this.folder = folder;
    database = folder.resolve("app.db");
    replica = Files.createDirectory(folder.resolve("replica"));
    url = ReplicaUrl.ofDirectory(replica.toString());
    application = new NumberedApplication(database, seed.value());
  }

  private ReplicaClient client() {
    return ReplicaClients.open(url, name -> Optional.empty());
  }

  /** Returns the TXIDs at which a file of the replica ends. */
  List<Txid> txids() throws Exception {
    try (ReplicaClient client = client()) {
      TreeSet<Txid> txids = new TreeSet<>();
      for (LtxFile file : Listings.all(client).get(SURELY.toSeconds(), TimeUnit.SECONDS)) {
        txids.add(file.name().range().max());
      }
      return List.copyOf(txids);
    }
  }

  private Path restored(Txid txid) throws IOException {
    Path out = folder.resolve("restored-" + txid);
    try (ReplicaClient client = client();
        Restorer restorer = new Restorer(client, new RequestMeter(), SURELY)) {
      restorer.restore(
          new Target.AtTxid(txid), out, DatabasePlace.Existing.REFUSE, (done, total) -> {});
    }
    return out;
  }

  /** Fails unless each TXID is what a transaction left, and the last one what the last left. */
  void requireAll() throws Exception {
    long last = 0;
    for (Txid txid : txids()) {
      last = application.requireCommitted(restored(txid), "TXID " + txid);
    }
    assertEquals(application.number(), last);
  }

  /** Has a replicator of its own ship all that there is. */
  void sync() throws IOException {
    try (Replicator replicator = Replicator.builder().start()) {
      replicator.add(database, url).syncAndWait(SURELY);
    }
  }

  @Override
  public void close() throws SQLException {
    application.close();
  }
}
