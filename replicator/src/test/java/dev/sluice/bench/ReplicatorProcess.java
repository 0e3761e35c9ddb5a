package dev.sluice.bench;

import dev.sluice.replicator.DatabaseSettings;
import dev.sluice.replicator.Replicator;
import dev.sluice.storage.ReplicaUrl;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CountDownLatch;

/**
 * A program that replicates databases until a signal comes, each to a folder of its own. Arguments:
 * SYNC_MILLIS URL DATABASE..., where {@code %s} in the URL is the database's name.
 */
final class ReplicatorProcess {
  private ReplicatorProcess() {}

  public static void main(String[] arguments) throws InterruptedException {
    List<String> words = List.of(arguments);
    Duration interval = Duration.ofMillis(Long.parseLong(words.get(0)));
    Replicator replicator = Replicator.builder().start();
    CountDownLatch ended = new CountDownLatch(1);
    Runtime.getRuntime()
        .addShutdownHook(
            new Thread(
                () -> {
                  replicator.close();
                  ended.countDown();
                }));
    for (String database : words.subList(2, words.size())) {
      Path path = Path.of(database);
      ReplicaUrl url = ReplicaUrl.parse(words.get(1).formatted(path.getFileName()));
      replicator.add(DatabaseSettings.of(path).withSyncInterval(interval), url);
    }
    ended.await();
  }
}
