package dev.sluice.replicator;

import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.sluice.ltx.Txid;
import dev.sluice.storage.ReplicaUrl;
import dev.sluice.testkit.Seed;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.SQLException;
import java.time.Duration;
import java.util.List;

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

  /** Returns the TXIDs at which a file of the replica ends. */
  List<Txid> txids() throws Exception {
    return new ReplicaContents(url).txids();
  }

  /** Fails unless each TXID is what a transaction left, and the last one what the last left. */
  void requireAll() throws Exception {
    long last = 0;
    for (Txid txid : txids()) {
      Path restored = new ReplicaContents(url).restore(txid, folder.resolve("restored-" + txid));
      last = application.requireCommitted(restored, "TXID " + txid);
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
