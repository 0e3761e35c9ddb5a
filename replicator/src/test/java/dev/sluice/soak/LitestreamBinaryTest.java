package dev.sluice.soak;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sluice.cache.restore.DatabasePlace;
import dev.sluice.cache.restore.Restorer;
import dev.sluice.cache.restore.Restorer.Progress;
import dev.sluice.ltx.Txid;
import dev.sluice.replicator.DatabaseSettings;
import dev.sluice.replicator.ReplicatedDatabase;
import dev.sluice.replicator.Replicator;
import dev.sluice.replicator.levels.LevelSettings;
import dev.sluice.storage.LtxFile;
import dev.sluice.storage.ReplicaClient;
import dev.sluice.storage.ReplicaClients;
import dev.sluice.storage.ReplicaUrl;
import dev.sluice.storage.RequestMeter;
import dev.sluice.storage.Target;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.TreeMap;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.condition.EnabledIfSystemProperty;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * The real Litestream restores every TXID of what we write, and we go on with what it has written.
 * Runs where {@code -Dsluice.soak.litestream} names its binary.
 */
@EnabledIfSystemProperty(named = "sluice.soak.litestream", matches = ".+")
class LitestreamBinaryTest {
  private static final String BINARY = System.getProperty("sluice.soak.litestream", "");
  private static final Duration SURELY = Duration.ofSeconds(60);
  private static final int PAGE_SIZE = 1024;
  private static final int TXIDS = 40;

  @TempDir Path folder;

  /** The number of the last transaction in a TXID of ours. */
  private final TreeMap<Txid, Long> numbers = new TreeMap<>();

  private Path database = Path.of("");
  private Path replica = Path.of("");
  private Path restored = Path.of("");
  private Random random = new Random(0);

  @BeforeEach
  void begin() throws IOException {
    long seed = Long.getLong("sluice.soak.seed", System.nanoTime());
    System.out.println("LitestreamBinaryTest -Dsluice.soak.seed=" + seed);
    random = new Random(seed);
    database = Files.createDirectory(folder.resolve("primary")).resolve("app.db");
    replica = folder.resolve("replica");
    restored = Files.createDirectory(folder.resolve("restored"));
  }

  private Journal journal() throws IOException {
    return Journal.open(folder.resolve("journal"));
  }

  @ParameterizedTest
  @ValueSource(ints = {512, 4096, 65536})
  void litestreamRestoresEveryTxidOfOurs(int pageSize) throws Exception {
    try (Journal journal = journal();
        Committer application = new Committer(database, pageSize, journal, random)) {
      replicate(application, journal);
      assertEquals(Txid.FIRST, numbers.firstKey());
      requireEveryTxid();
    }
  }

  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void itsReplicaGoesOn(boolean isKilled) throws Exception {
    try (Journal journal = journal();
        Committer application = new Committer(database, PAGE_SIZE, journal, random)) {
      Daemon daemon = Daemon.litestream(BINARY, database, replica, folder);
      try (Child child = daemon.start(folder.resolve("litestream.log"))) {
        for (int i = 0; i < TXIDS; i++) {
          Txid before = last();
          application.commit(1 + random.nextInt(3));
          awaitAfter(before, child);
        }
        if (!isKilled) {
          assertTrue(child.stop(SURELY), child::output);
          assertEquals(0, child.exitCode(), child::output);
        }
      }
      Txid theirs = last();
      application.commit(2); // which nobody captures
      replicate(application, journal);
      assertTrue(numbers.firstKey().isAfter(theirs), () -> numbers.firstKey() + " is theirs");
      requireEveryTxid();
    }
  }

  /** Has us replicate a history, one TXID after the other. */
  private void replicate(Committer application, Journal journal) throws Exception {
    LevelSettings levels =
        new LevelSettings(
            List.of(Duration.ofMillis(300), Duration.ofSeconds(1)),
            Duration.ofSeconds(2),
            Duration.ofDays(1),
            Duration.ofDays(1),
            false);
    DatabaseSettings settings =
        DatabaseSettings.of(database)
            .withSyncInterval(Duration.ofMillis(10))
            .withOwnProcess(false)
            .withLevels(levels);
    try (Replicator replicator = Replicator.builder().start()) {
      ReplicatedDatabase replicated =
          replicator.add(settings, ReplicaUrl.ofDirectory(replica.toString()));
      for (int i = 0; i < TXIDS; i++) {
        application.commit(1 + random.nextInt(3));
        Txid txid = replicated.syncAndWait(SURELY);
        numbers.put(txid, journal.lastCommitted());
        if (i % 10 == 9) {
          application.execute("VACUUM");
          application.execute("PRAGMA wal_checkpoint(TRUNCATE)");
        }
      }
    }
    assertEquals(TXIDS, numbers.size());
  }

  private ReplicaClient open() {
    return ReplicaClients.open(
        ReplicaUrl.ofDirectory(replica.toString()), name -> Optional.empty());
  }

  private Txid last() throws Exception {
    try (ReplicaClient client = open()) {
      List<LtxFile> files = client.list(0, Txid.FIRST).get(SURELY.toSeconds(), TimeUnit.SECONDS);
      return files.isEmpty() ? Txid.NONE : files.get(files.size() - 1).name().range().max();
    }
  }

  private void awaitAfter(Txid before, Child child) throws Exception {
    long endNanos = System.nanoTime() + SURELY.toNanos();
    while (!last().isAfter(before)) {
      assertTrue(System.nanoTime() < endNanos && child.isAlive(), child::output);
      LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(5));
    }
  }

  /** Each TXID is a committed state, the same by Litestream and by us, and that of its number. */
  private void requireEveryTxid() throws Exception {
    long number = 0;
    try (Journal journal = journal();
        ReplicaClient client = open()) {
      journal.read();
      Txid last = last();
      for (Txid txid = Txid.FIRST; !txid.isAfter(last); txid = txid.next()) {
        Path theirs = restored.resolve("theirs-" + txid);
        Path ours = restored.resolve("ours-" + txid);
        litestream(txid, theirs);
        try (Restorer restorer = new Restorer(client, new RequestMeter(), SURELY)) {
          restorer.restore(
              new Target.AtTxid(txid), ours, DatabasePlace.Existing.REFUSE, Progress.none());
        }
        String what = "TXID " + txid + " of " + last;
        assertEquals(-1, Files.mismatch(theirs, ours), what);
        Rows.Shown shown = shown(theirs, what);
        assertTrue(journal.isRight(shown), what + " shows " + shown);
        assertTrue(shown.number() >= number, what + " shows " + shown + " after " + number);
        number = shown.number();
        assertEquals(numbers.getOrDefault(txid, number), number, what);
        Files.delete(theirs);
        Files.delete(ours);
      }
      System.out.println("LitestreamBinaryTest: " + last + " TXIDs, ours " + numbers.size());
    }
    assertEquals(numbers.lastEntry().getValue(), number);
  }

  private static Rows.Shown shown(Path file, String what) throws SQLException {
    try (Connection connection =
        DriverManager.getConnection("jdbc:sqlite:file:" + file + "?immutable=1")) {
      assertEquals("ok", Application.value(connection, "PRAGMA integrity_check").orElse(""), what);
      return Rows.read(connection);
    }
  }

  private void litestream(Txid txid, Path out) throws Exception {
    List<String> command =
        List.of(
            BINARY, "restore", "-txid", txid.toString(), "-o", out.toString(), "file://" + replica);
    try (Child child = Child.start(command, Map.of(), folder.resolve("restore.log"))) {
      assertTrue(child.awaitEnd(SURELY), child::output);
      assertEquals(0, child.exitCode(), child::output);
    }
  }
}
