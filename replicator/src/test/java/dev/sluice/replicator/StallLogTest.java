package dev.sluice.replicator;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.AppenderBase;
import dev.sluice.storage.ReplicaUrl;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.Statement;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.slf4j.LoggerFactory;

/** What is logged of a database that cannot go on. */
final class StallLogTest {
  private static final Duration SURELY = Duration.ofSeconds(30);

  @TempDir Path folder;

  private final List<String> lines = new CopyOnWriteArrayList<>();
  private final Logger logger = (Logger) LoggerFactory.getLogger(Standing.class);
  private final AppenderBase<ILoggingEvent> appender =
      new AppenderBase<>() {
        @Override
        protected void append(ILoggingEvent event) {
          lines.add(event.getLevel() + " " + event.getFormattedMessage());
        }
      };

  @BeforeEach
  void listen() {
    logger.setLevel(Level.INFO);
    appender.start();
    logger.addAppender(appender);
  }

  @AfterEach
  void leave() {
    logger.detachAppender(appender);
    logger.setLevel(null);
  }

  private void write(Path database, String sql) throws Exception {
    try (Connection connection = DriverManager.getConnection("jdbc:sqlite:" + database);
        Statement statement = connection.createStatement()) {
      statement.execute("PRAGMA journal_mode=WAL");
      statement.execute(sql);
    }
  }

  private List<String> stalls() {
    return lines.stream().filter(line -> line.contains(" waits: ")).toList();
  }

  @Test
  void storageThatIsAwayIsToldOfOnceHoweverOftenItIsTried() throws Exception {
    Path database = folder.resolve("app.db");
    write(database, "CREATE TABLE t(a)");
    Path replica = Files.createDirectory(folder.resolve("replica"));
    try (Replicator replicator = Replicator.builder().endLimit(SURELY).start()) {
      ReplicatedDatabase app = replicator.add(database, ReplicaUrl.ofDirectory(replica.toString()));
      app.syncAndWait(SURELY);
      Path away = folder.resolve("away");
      Files.move(replica, away);
      Files.writeString(replica, "no folder");
      write(database, "INSERT INTO t VALUES(1)");
      long endNanos = System.nanoTime() + SURELY.toNanos();
      while (app.figures().requests().failures() < 4 && System.nanoTime() < endNanos) {
        Thread.onSpinWait();
      }
      assertTrue(app.figures().requests().failures() >= 4);
      assertEquals(1, stalls().size(), lines::toString);
      assertTrue(stalls().get(0).startsWith("WARN " + database + " waits: create file://"));
      Files.delete(replica);
      Files.move(away, replica);
      app.syncAndWait(SURELY);
    }
    assertEquals(1, stalls().size(), lines::toString);
    assertTrue(lines.contains("INFO " + database + " goes on"), lines::toString);
  }
}
