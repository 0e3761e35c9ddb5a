package dev.sluice.soak;

import dev.sluice.storage.ReplicaClient;
import dev.sluice.storage.ReplicaClients;
import dev.sluice.storage.ReplicaUrl;
import dev.sluice.testkit.FaultProxy;
import dev.sluice.testkit.FaultProxy.Fault;
import dev.sluice.testkit.S3Server;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import java.util.Optional;
import java.util.Random;

/**
 * Where a replica is: one address for the daemon, which may be a bad one, and one for whoever looks
 * at it. The faults are switched by the thread that owns it.
 */
interface Storage extends AutoCloseable {

  String daemonUrl();

  String url();

  /** Returns a client of the good address. */
  default ReplicaClient open() {
    return ReplicaClients.open(
        ReplicaUrl.parse(url()), name -> Optional.ofNullable(variables().get(name)));
  }

  /** Returns the variables that both addresses need. */
  Map<String, String> variables();

  /** Has some of the daemon's requests fail from now on, or all, until {@link #heal}. */
  void breakDown(Random random);

  void heal();

  boolean isBroken();

  @Override
  void close();

  /** Returns a directory, which never fails. */
  static Storage directory(Path directory) throws IOException {
    Files.createDirectories(directory);
    return new Directory(directory);
  }

  /** Returns a bucket of its own behind a proxy. */
  static Storage bucket() {
    return new Bucket();
  }

  /** A directory. */
  record Directory(Path directory) implements Storage {
    @Override
    public String daemonUrl() {
      return directory.toUri().toString();
    }

    @Override
    public String url() {
      return daemonUrl();
    }

    @Override
    public Map<String, String> variables() {
      return Map.of();
    }

    @Override
    public void breakDown(Random random) {
      // A directory is there or not.
    }

    @Override
    public void heal() {
      // It never fails.
    }

    @Override
    public boolean isBroken() {
      return false;
    }

    @Override
    public void close() {
      // The test's folder goes with its files.
    }
  }

  /** An S3-compatible server behind a proxy that fails. */
  final class Bucket implements Storage {
    private static final int OF = 100;

    private final S3Server server = S3Server.shared();
    private final FaultProxy proxy = FaultProxy.before(server.endpoint());
    private final String bucket = server.createBucket();
    private boolean isBroken;

    @Override
    public String daemonUrl() {
      return "s3://" + bucket + "/db?endpoint=" + proxy.endpoint();
    }

    @Override
    public String url() {
      return "s3://" + bucket + "/db?endpoint=" + server.endpoint();
    }

    @Override
    public Map<String, String> variables() {
      return Map.of(
          "AWS_ACCESS_KEY_ID", S3Server.ACCESS_KEY_ID,
          "AWS_SECRET_ACCESS_KEY", S3Server.SECRET_ACCESS_KEY);
    }

    @Override
    public void breakDown(Random random) {
      isBroken = true;
      if (random.nextInt(4) == 0) {
        proxy.refuse();
        return;
      }
      int percent = 5 + random.nextInt(60);
      Random choices = new Random(random.nextLong());
      proxy.inject(
          request ->
              choices.nextInt(OF) < percent ? Optional.of(fault(choices)) : Optional.empty());
    }

    private static Fault fault(Random random) {
      return switch (random.nextInt(6)) {
        case 0 -> new Fault.Status(500, "InternalError");
        case 1 -> new Fault.Status(503, "SlowDown");
        case 2, 3 -> new Fault.ResetInsteadOfAnswer();
        case 4 -> new Fault.Reset(0);
        default -> new Fault.Delay(Duration.ofMillis(random.nextInt(800)));
      };
    }

    @Override
    public void heal() {
      isBroken = false;
      proxy.heal();
      proxy.clearLog();
    }

    @Override
    public boolean isBroken() {
      return isBroken;
    }

    @Override
    public void close() {
      proxy.close();
    }
  }
}
