package dev.sluice.soak;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sluice.cache.restore.DatabasePlace;
import dev.sluice.cache.restore.Restorer;
import dev.sluice.ltx.LtxDecoder;
import dev.sluice.ltx.Txid;
import dev.sluice.ltx.TxidRange;
import dev.sluice.replicator.SteppedProcess;
import dev.sluice.storage.Layout;
import dev.sluice.storage.LtxFileName;
import dev.sluice.storage.ReplicaClient;
import dev.sluice.storage.RequestMeter;
import dev.sluice.storage.Target;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledIfSystemProperty;
import org.junit.jupiter.api.io.TempDir;

/**
 * A transaction of more pages than a JVM has memory for, and than an {@code int} has bytes for, is
 * one TXID. Takes 20 GB of disk: runs with {@code -Dsluice.soak.large=true}.
 */
@EnabledIfSystemProperty(named = "sluice.soak.large", matches = "true")
class LargeTransactionTest {
  private static final Duration LIMIT = Duration.ofMinutes(10);
  private static final int ROWS = 37_000;
  private static final int ROW_BYTES = 60_000;
  private static final long BYTES_MIN = 1L << 31;

  @TempDir Path folder;

  @Test
  void aTransactionOfMoreThanTwoGigabytesIsOneTxid() throws Exception {
    Path database = Files.createDirectory(folder.resolve("primary")).resolve("app.db");
    try (Storage storage = Storage.directory(folder.resolve("replica"))) {
      Daemon daemon = Daemon.engine(database, storage, "keep", List.of()); // with -Xmx256m
      try (Connection application = DriverManager.getConnection("jdbc:sqlite:" + database)) {
        Application.execute(application, "PRAGMA journal_mode=WAL");
        Application.execute(application, "PRAGMA busy_timeout=10000");
        Application.execute(application, "PRAGMA synchronous=OFF");
        Application.execute(application, "CREATE TABLE t(id INTEGER PRIMARY KEY, a BLOB)");
        try (Child child = daemon.start(folder.resolve("daemon.log"))) {
          assertEquals(Txid.FIRST, sync(child, 1));
          Application.execute(application, fill());
          long begunNanos = System.nanoTime();
          assertEquals(Txid.FIRST.next(), sync(child, 2));
          System.out.printf(
              "LargeTransactionTest: in the replica after %.1f s, memory %s%n",
              (System.nanoTime() - begunNanos) / 1e9, memory(child));
          assertTrue(child.stop(LIMIT), child::output);
        }
      } // the last connection, which copies the WAL into the database
      requireSame(database, storage);
    }
  }

  private static String fill() {
    return "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < %d) INSERT INTO t(a) SELECT randomblob(%d) FROM n"
        .formatted(ROWS, ROW_BYTES);
  }

  /** Has everything stored; returns the last TXID. */
  private static Txid sync(Child child, int id) throws Exception {
    child.say(SteppedProcess.SYNC + id);
    String answer = SteppedProcess.SYNCED + id + " with TXID ";
    long endNanos = System.nanoTime() + LIMIT.toNanos();
    while (!child.await(line -> line.startsWith(answer))) {
      assertTrue(child.isAlive() && System.nanoTime() < endNanos, child::output);
    }
    return child
        .output()
        .lines()
        .filter(line -> line.startsWith(answer))
        .map(line -> Txid.parse(line.substring(answer.length())))
        .findFirst()
        .orElseThrow();
  }

  private static String memory(Child child) throws IOException {
    Path status = Path.of("/proc/" + child.pid() + "/status");
    return Files.exists(status)
        ? String.join(
            ", ",
            Files.readAllLines(status).stream()
                .filter(line -> line.matches("Vm(HWM|RSS).*"))
                .toList())
        : "not known";
  }

  private void requireSame(Path database, Storage storage) throws Exception {
    assertTrue(Files.size(database) > BYTES_MIN);
    Txid last = Txid.FIRST.next();
    LtxFileName name = new LtxFileName(0, new TxidRange(last, last));
    Path file =
        folder
            .resolve("replica")
            .resolve(Layout.DIRECTORY.folder(0))
            .resolve(Layout.fileName(name.range()));
    try (LtxDecoder decoder = new LtxDecoder(Files.newInputStream(file), file.toString())) {
      assertTrue(decoder.header().commit() * decoder.header().pageSize() > BYTES_MIN);
    }
    Path restored = folder.resolve("restored.db");
    long begunNanos = System.nanoTime();
    try (ReplicaClient client = storage.open();
        Restorer restorer = new Restorer(client, new RequestMeter(), LIMIT)) {
      restorer.restore(
          new Target.AtTxid(last),
          restored,
          DatabasePlace.Existing.REFUSE,
          Restorer.Progress.none());
    }
    System.out.printf(
        "LargeTransactionTest: restored in %.1f s%n", (System.nanoTime() - begunNanos) / 1e9);
    assertEquals(-1, Files.mismatch(database, restored), "a byte restored");
  }
}
