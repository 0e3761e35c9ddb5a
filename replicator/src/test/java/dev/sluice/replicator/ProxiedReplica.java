package dev.sluice.replicator;

import static dev.sluice.replicator.ReplicatedWorld.SURELY;

import dev.sluice.cache.restore.DatabasePlace;
import dev.sluice.cache.restore.Restorer;
import dev.sluice.ltx.Txid;
import dev.sluice.storage.Environment;
import dev.sluice.storage.LtxFileName;
import dev.sluice.storage.ReplicaClient;
import dev.sluice.storage.ReplicaClients;
import dev.sluice.storage.ReplicaUrl;
import dev.sluice.storage.RequestMeter;
import dev.sluice.storage.Target;
import dev.sluice.testkit.FaultProxy;
import dev.sluice.testkit.FaultProxy.Exchange;
import dev.sluice.testkit.S3Server;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/** The place of a replica in an S3-compatible storage, behind a proxy. Thread-safe. */
final class ProxiedReplica implements AutoCloseable {
  private static final Map<String, String> VARIABLES =
      Map.of(
          "AWS_ACCESS_KEY_ID", S3Server.ACCESS_KEY_ID,
          "AWS_SECRET_ACCESS_KEY", S3Server.SECRET_ACCESS_KEY);

  private static final Environment ENVIRONMENT = name -> Optional.ofNullable(VARIABLES.get(name));

  private static final Pattern CUT = Pattern.compile(".*/000[09]/([0-9a-f]{16})-\\1\\.ltx");

  final FaultProxy proxy;
  final ReplicaUrl url;
  private final ReplicaUrl straight;

  ProxiedReplica() throws IOException {
    S3Server server = S3Server.shared();
    String place = "s3://" + server.createBucket() + "/app?endpoint=";
    proxy = FaultProxy.before(server.endpoint());
    url = ReplicaUrl.parse(place + proxy.endpoint());
    straight = ReplicaUrl.parse(place + server.endpoint());
  }

  /** Returns what makes a replicator that may use the storage. */
  static Replicator.Builder replicators() {
    return Replicator.builder().environment(ENVIRONMENT);
  }

  /**
   * Returns the TXIDs that were stored as they were cut, an image among them, as they were sent.
   */
  List<Txid> stored() {
    return proxy.log().stream().flatMap(exchange -> stored(exchange).stream()).toList();
  }

  private static Optional<Txid> stored(Exchange exchange) {
    Matcher name = CUT.matcher(exchange.request().path());
    boolean isStored = exchange.request().method().equals("PUT") && exchange.status() == 200;
    return isStored && name.matches() ? Optional.of(Txid.parse(name.group(1))) : Optional.empty();
  }

  /** Returns the TXIDs that are there as they were cut, whoever heard that they were stored. */
  List<Txid> listed() {
    try (ReplicaClient client = ReplicaClients.open(straight, ENVIRONMENT)) {
      return Stream.of(0, LtxFileName.SNAPSHOT_LEVEL)
          .flatMap(level -> client.list(level, new Txid(1)).join().stream())
          .map(file -> file.name().range().max())
          .distinct()
          .sorted()
          .toList();
    }
  }

  /** Waits until so many cuts are stored. */
  void awaitStored(int count) throws InterruptedException {
    proxy.await(unused -> stored().size() >= count, SURELY);
  }

  /** Returns the database of a TXID, restored past the proxy to a new file in a folder. */
  Path restored(Txid txid, Path folder) throws IOException {
    Path out = folder.resolve("restored-" + txid);
    try (ReplicaClient client = ReplicaClients.open(straight, ENVIRONMENT);
        Restorer restorer = new Restorer(client, new RequestMeter(), SURELY)) {
      restorer.restore(
          new Target.AtTxid(txid), out, DatabasePlace.Existing.REFUSE, (done, total) -> {});
    }
    return out;
  }

  @Override
  public void close() {
    proxy.close();
  }
}
