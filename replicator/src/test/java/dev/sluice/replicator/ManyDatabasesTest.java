package dev.sluice.replicator;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sluice.storage.ReplicaUrl;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.Statement;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;

/** What many databases in one replicator cost. */
final class ManyDatabasesTest {
  private static final Duration SURELY = Duration.ofSeconds(30);
  private static final int FEW = 12;
  private static final int MANY = 36;

  /**
   * Of one at rest, ten seconds after its last change: the database, its WAL, its shared memory,
   * and the spool's lock.
   */
  private static final int DESCRIPTORS = 4;

  @TempDir Path folder;

  private ReplicatedDatabase replicate(Replicator replicator, int number) throws Exception {
    Path database = folder.resolve(number + ".db");
    try (Connection connection = DriverManager.getConnection("jdbc:sqlite:" + database);
        Statement statement = connection.createStatement()) {
      statement.execute("PRAGMA journal_mode=WAL");
      statement.execute("CREATE TABLE t(a)");
    }
    Path replica = Files.createDirectory(folder.resolve("replica-" + number));
    DatabaseSettings settings = DatabaseSettings.of(database).withOwnProcess(true);
    return replicator.add(settings, ReplicaUrl.ofDirectory(replica.toString()));
  }

  private static Set<Thread> threads() {
    return Thread.getAllStackTraces().keySet().stream()
        .filter(thread -> thread.getName().startsWith("sluice-"))
        .collect(Collectors.toSet());
  }

  private static int threadsBeside(Set<Thread> others) {
    Set<Thread> threads = threads();
    threads.removeAll(others);
    return threads.size();
  }

  /** Returns how many descriptors of this process are of files in the folder. */
  private long descriptors() throws IOException {
    try (Stream<Path> all = Files.list(Path.of("/proc/self/fd"))) {
      return all.filter(this::isInFolder).count();
    }
  }

  private boolean isInFolder(Path descriptor) {
    try {
      return Files.readSymbolicLink(descriptor).startsWith(folder);
    } catch (IOException e) {
      return false; // closed meanwhile
    }
  }

  private static void syncAll(List<ReplicatedDatabase> databases) throws IOException {
    for (ReplicatedDatabase one : databases) {
      one.syncAndWait(SURELY);
    }
  }

  /** Takes the ten seconds until they are at rest. */
  @Test
  @EnabledOnOs(OS.LINUX)
  void threadsDoNotGrowWithTheDatabasesAndAnIdleOneHasFourDescriptors() throws Exception {
    List<ReplicatedDatabase> databases = new ArrayList<>();
    Set<Thread> others = threads();
    try (Replicator replicator = Replicator.builder().start()) {
      while (databases.size() < FEW) {
        databases.add(replicate(replicator, databases.size()));
      }
      syncAll(databases);
      long few = threadsBeside(others);
      while (databases.size() < MANY) {
        databases.add(replicate(replicator, databases.size()));
      }
      syncAll(databases);
      long many = threadsBeside(others);
      assertTrue(few > 0 && many < few + (MANY - FEW) / 2, () -> few + " threads are now " + many);
      long endNanos = System.nanoTime() + SURELY.toNanos();
      long open = descriptors();
      while (open > (long) DESCRIPTORS * MANY) {
        long now = open;
        assertTrue(System.nanoTime() < endNanos, () -> now + " descriptors are open");
        open = descriptors();
      }
      assertTrue(open >= MANY, "who does not hold a database cannot capture it");
    }
    requireEnd(others);
  }

  /** A thread that has done its work may take a moment to end. */
  private static void requireEnd(Set<Thread> others) throws InterruptedException {
    Set<Thread> left = threads();
    left.removeAll(others);
    for (Thread thread : left) {
      thread.join(SURELY.toMillis());
    }
    assertEquals(0, threadsBeside(others));
  }
}
