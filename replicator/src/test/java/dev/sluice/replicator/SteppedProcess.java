package dev.sluice.soak;

import dev.sluice.replicator.Replication;
import dev.sluice.storage.Environment;
import dev.sluice.storage.ReplicaClient;
import dev.sluice.storage.ReplicaClients;
import dev.sluice.storage.ReplicaUrl;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;

/**
 * Replicates until a signal comes, ten milliseconds between two uploads, and says {@link #STOPPED}
 * when all is stored then. Arguments: DATABASE REPLICA
 */
final class EngineProcess {
  static final String STOPPED = "stopped, all is stored";

  private static final Duration SYNC_INTERVAL = Duration.ofMillis(10);
  private static final Duration END_LIMIT = Duration.ofSeconds(30);

  private EngineProcess() {}

  public static void main(String[] arguments) throws IOException {
    ReplicaUrl url = ReplicaUrl.parse(arguments[1]);
    Thread running = Thread.currentThread();
    try (ReplicaClient client = ReplicaClients.open(url, Environment.ofProcess())) {
      Replication replication = new Replication(Path.of(arguments[0]), client, SYNC_INTERVAL);
      Runtime.getRuntime()
          .addShutdownHook(
              new Thread(
                  () -> {
                    replication.stop();
                    joinQuietly(running);
                  }));
      replication.run();
      System.out.println(STOPPED);
    }
  }

  private static void joinQuietly(Thread running) {
    try {
      running.join(END_LIMIT.toMillis());
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}
