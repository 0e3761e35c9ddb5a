package dev.sluice.replicator;

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
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.TreeSet;
import java.util.concurrent.TimeUnit;

/**
 * What a replica has to restore, as its users find it: through a client of their own each time.
 * Immutable.
 *
 * @param url of a replica that needs no keys
 */
public record ReplicaContents(ReplicaUrl url) {
  private static final Duration SURELY = Duration.ofSeconds(60);

  private ReplicaClient client() {
    return ReplicaClients.open(url, name -> Optional.empty());
  }

  /** Returns the TXIDs at which a file of the replica ends, ascending. */
  public List<Txid> txids() throws Exception {
    try (ReplicaClient client = client()) {
      TreeSet<Txid> txids = new TreeSet<>();
      for (LtxFile file : Listings.all(client).get(SURELY.toSeconds(), TimeUnit.SECONDS)) {
        txids.add(file.name().range().max());
      }
      return List.copyOf(txids);
    }
  }

  /** Makes a database file, which must not be there yet; returns it. */
  public Path restore(Target target, Path out) throws IOException {
    try (ReplicaClient client = client();
        Restorer restorer = new Restorer(client, new RequestMeter(), SURELY)) {
      restorer.restore(target, out, DatabasePlace.Existing.REFUSE, Restorer.Progress.none());
    }
    return out;
  }

  /** As {@link #restore(Target, Path)}, with the database of one TXID. */
  public Path restore(Txid txid, Path out) throws IOException {
    return restore(new Target.AtTxid(txid), out);
  }
}
