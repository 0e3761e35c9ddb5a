package dev.sluice.cli;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sluice.cache.ViewException;
import dev.sluice.cache.restore.CopyException;
import dev.sluice.cache.restore.CopyFollower;
import dev.sluice.cache.restore.CopyStep;
import dev.sluice.cache.restore.DatabasePlace;
import dev.sluice.cache.restore.Restorer;
import dev.sluice.ltx.Txid;
import dev.sluice.storage.ReplicaClient;
import dev.sluice.storage.ReplicaClients;
import dev.sluice.storage.ReplicaUrl;
import dev.sluice.storage.RequestMeter;
import dev.sluice.storage.Target;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.EnumSet;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.TreeSet;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Consumer;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A copy that is kept current, as readers of it see it. */
final class RestoreFollowTest {
  private static final Duration PATIENCE = Duration.ofSeconds(20);

  @TempDir Path folder;
  private GrowingReplica primary;
  private Path copy = Path.of("");
  private Consumer<CopyStep> steps = step -> {};

  @BeforeEach
  void makePrimary() throws Exception {
    primary = new GrowingReplica(folder);
    copy = Files.createDirectories(folder.resolve("copies 100% ?#")).resolve("copy.db");
    primary.commit(
        "PRAGMA page_size = 1024",
        "VACUUM",
        "CREATE TABLE state (seq INTEGER, total INTEGER)",
        "CREATE TABLE item (id INTEGER PRIMARY KEY, amount INTEGER, filler BLOB)",
        "INSERT INTO state VALUES (1, 0)");
  }

  /** One TXID: a change and the sum that it leads to. */
  private void change(Random random, long seq) throws IOException, SQLException {
    List<String> statements = new ArrayList<>();
    statements.add("BEGIN");
    if (seq % 100 == 60) {
      statements.add("DELETE FROM item WHERE id % 10 > 0");
    } else {
      for (int i = random.nextInt(4); i >= 0; i--) {
        statements.add(
            "INSERT INTO item (amount, filler) VALUES (%d, randomblob(%d))"
                .formatted(random.nextInt(1000), random.nextInt(2500)));
      }
      statements.add("UPDATE item SET amount = amount + 1 WHERE id % 7 = " + seq % 7);
    }
    if (seq % 97 == 0) {
      statements.add("ALTER TABLE item ADD COLUMN c" + seq + " DEFAULT " + seq);
    }
    statements.add(
        "UPDATE state SET seq = %d, total = (SELECT coalesce(sum(amount), 0) FROM item)"
            .formatted(seq));
    statements.add("COMMIT");
    if (seq % 100 == 60) {
      statements.add("VACUUM");
    }
    primary.commit(statements.toArray(String[]::new));
  }

  /** Reads a transaction at a time until told to stop; returns the states that it saw. */
  private CompletableFuture<TreeSet<Long>> reader(CountDownLatch enough, boolean isKeptOpen) {
    return CompletableFuture.supplyAsync(
        () -> {
          TreeSet<Long> seen = new TreeSet<>();
          try {
            while (enough.getCount() > 0) {
              try (Connection connection = open(copy)) {
                do {
                  long seq = checked(connection);
                  assertTrue(seen.isEmpty() || seq >= seen.last(), seq + " after " + seen);
                  seen.add(seq);
                  LockSupport.parkNanos(500_000); // leaves the processor to the others
                } while (isKeptOpen && enough.getCount() > 0);
              }
            }
            return seen;
          } catch (SQLException e) {
            throw new IllegalStateException("after " + seen, e);
          }
        },
        task -> new Thread(task, "reader").start());
  }

  private static Connection open(Path database) throws SQLException {
    Connection connection =
        DriverManager.getConnection("jdbc:sqlite:" + IntegrityCheck.uri(database));
    try (Statement statement = connection.createStatement()) {
      statement.execute("PRAGMA busy_timeout = 20000");
    }
    return connection;
  }

  /** Returns the state's number, after checking that all of it is of that state. */
  private static long checked(Connection connection) throws SQLException {
    try (Statement statement = connection.createStatement()) {
      statement.execute("BEGIN");
      long seq;
      long total;
      try (ResultSet row = statement.executeQuery("SELECT seq, total FROM state")) {
        assertTrue(row.next());
        seq = row.getLong(1);
        total = row.getLong(2);
      }
      try (ResultSet row = statement.executeQuery("SELECT coalesce(sum(amount), 0) FROM item")) {
        assertEquals(total, row.getLong(1), "sum at " + seq);
      }
      if (seq % 10 == 0) {
        try (ResultSet row = statement.executeQuery("PRAGMA integrity_check")) {
          assertEquals("ok", row.getString(1), "at " + seq);
        }
      }
      statement.execute("COMMIT");
      return seq;
    }
  }

  private Process start() throws IOException {
    return new ProcessBuilder(
            Path.of(System.getProperty("java.home"), "bin", "java").toString(),
            "-XX:TieredStopAtLevel=1",
            "-cp",
            System.getProperty("java.class.path"),
            Main.class.getName(),
            "restore",
            "-f",
            "--follow-interval",
            "5ms",
            "-o",
            copy.toString(),
            primary.replica().toString())
        .redirectError(ProcessBuilder.Redirect.INHERIT)
        .start();
  }

  private static String firstLine(Process process) throws IOException {
    BufferedReader lines =
        new BufferedReader(new InputStreamReader(process.getInputStream(), StandardCharsets.UTF_8));
    return String.valueOf(lines.readLine());
  }

  /** Kills fall anywhere: into fetching, the journal, the pages, between commit and the next. */
  @Test
  void readersInOtherProcessesSeeOnlyWholeStatesWhileTheFollowerIsKilled() throws Exception {
    long seed = Long.getLong("sluice.seed", System.nanoTime());
    System.out.println("seed " + seed);
    Random random = new Random(seed);
    Process follower = start();
    CountDownLatch enough = new CountDownLatch(1);
    List<Process> all = new ArrayList<>(List.of(follower));
    try {
      assertEquals(Txid.FIRST.toString(), firstLine(follower));
      List<CompletableFuture<TreeSet<Long>>> readers =
          List.of(reader(enough, true), reader(enough, true), reader(enough, false));
      for (long seq = 2; seq <= 500; seq++) {
        change(random, seq);
        if (seq % 5 == 0) {
          awaitSeq(seq - random.nextInt(10), readers);
        }
        if (seq % 120 == 0) {
          follower.destroyForcibly().waitFor();
          follower = start();
          all.add(follower);
        }
      }
      awaitSeq(500, readers);
      enough.countDown();
      for (CompletableFuture<TreeSet<Long>> reader : readers) {
        TreeSet<Long> seen = reader.get(60, TimeUnit.SECONDS);
        assertTrue(seen.size() > 50, "states seen: " + seen);
      }
      follower.destroy();
      assertTrue(follower.waitFor(20, TimeUnit.SECONDS));
      assertSamePages();
      assertOnlyCopyAndRecord();
    } finally {
      enough.countDown();
      all.forEach(Process::destroyForcibly);
    }
  }

  private void awaitSeq(long seq, List<CompletableFuture<TreeSet<Long>>> readers) throws Exception {
    long since = System.nanoTime();
    try (Connection connection = open(copy)) {
      while (checked(connection) < seq) {
        for (CompletableFuture<TreeSet<Long>> reader : readers) {
          if (reader.isDone()) {
            reader.get(); // it has failed
          }
        }
        assertTrue(System.nanoTime() - since < 60_000_000_000L, "no state " + seq);
      }
    }
  }

  private void assertOnlyCopyAndRecord() throws IOException {
    try (Stream<Path> files = Files.list(copy.resolveSibling(""))) {
      assertEquals(
          List.of("copy.db", "copy.db-follow"),
          files.map(path -> String.valueOf(path.getFileName())).sorted().toList());
    }
  }

  /** The header's fields that a copy has of its own are left out. */
  private void assertSamePages() throws IOException {
    assertArrayEquals(masked(primary.bytes()), masked(Files.readAllBytes(copy)));
  }

  private static byte[] masked(byte[] database) {
    Arrays.fill(database, 18, 20, (byte) 0);
    ByteBuffer.wrap(database).putInt(24, 0).putInt(40, 0).putInt(92, 0);
    return database;
  }

  /** A follower in this process; what it reads is looked at between its steps. */
  private final class Followed implements AutoCloseable {
    private final ReplicaClient client =
        ReplicaClients.open(
            ReplicaUrl.parse(primary.replica().toString()), name -> Optional.empty());
    private final Restorer restorer = new Restorer(client, new RequestMeter(), PATIENCE);
    private final CopyFollower follower =
        new CopyFollower(
            client, restorer, copy, new CopyFollower.Setup(PATIENCE, new CountDownLatch(1), steps));

    Followed begin() throws IOException {
      try (DatabasePlace place = new DatabasePlace(copy, DatabasePlace.Existing.REFUSE)) {
        Restorer.Result result =
            restorer.restore(new Target.Latest(), place, Restorer.Progress.none());
        follower.begin(place.staging(), result);
        place.publish();
      }
      return this;
    }

    Followed resume() throws IOException {
      follower.resume();
      return this;
    }

    boolean poll() throws IOException {
      return follower.poll();
    }

    @Override
    public void close() {
      restorer.close();
      client.close();
    }
  }

  /** What a crash leaves is what the files are at that point. */
  @Test
  void crashAtAnyStepLeavesAWholeStateFromWhichItGoesOn() throws Exception {
    Path crashes = folder.resolve("crashes");
    List<CopyStep> taken = new ArrayList<>();
    steps =
        step -> {
          try {
            keep(crashes.resolve(String.valueOf(taken.size())));
          } catch (IOException e) {
            throw new UncheckedIOException(e);
          }
          taken.add(step);
        };
    try (Followed followed = new Followed().begin()) {
      change(new Random(1), 59);
      assertTrue(followed.poll());
      change(new Random(2), 60); // shrinks
      assertTrue(followed.poll());
      change(new Random(3), 61);
      primary.commitImage("UPDATE state SET seq = 62", "PRAGMA page_size = 4096", "VACUUM");
      change(new Random(4), 63);
      assertTrue(followed.poll());
      assertFalse(followed.poll());
    }
    assertEquals(EnumSet.allOf(CopyStep.class), EnumSet.copyOf(taken));
    steps = step -> {};
    TreeSet<Long> seen = new TreeSet<>();
    for (int i = 0; i < taken.size(); i++) {
      copy = crashes.resolve(String.valueOf(i)).resolve("copy.db");
      seen.add(checkedState()); // SQLite rolls back
      try (Followed followed = new Followed().resume()) {
        followed.poll();
      }
      assertEquals(63, checkedState(), "after " + taken.get(i));
      assertSamePages();
    }
    assertEquals(new TreeSet<>(List.of(1L, 59L, 60L, 63L)), seen);
  }

  private long checkedState() throws SQLException {
    try (Connection connection = open(copy)) {
      return checked(connection);
    }
  }

  private void keep(Path crash) throws IOException {
    Files.createDirectories(crash);
    for (String suffix : new String[] {"", "-journal", "-follow"}) {
      Path file = copy.resolveSibling("copy.db" + suffix);
      if (Files.exists(file)) {
        Files.copy(file, crash.resolve("copy.db" + suffix));
      }
    }
  }

  @Test
  void copyGoesOnWhereItIsAfterARestart() throws Exception {
    try (Followed followed = new Followed().begin()) {
      change(new Random(1), 2);
      assertTrue(followed.poll());
      assertFalse(followed.poll());
    }
    change(new Random(2), 3);
    long before = Files.readAttributes(copy, "unix:ino").hashCode();
    try (Followed followed = new Followed().resume()) {
      assertEquals(new Txid(2), followed.follower.txid());
      assertTrue(followed.poll());
    }
    assertEquals(before, Files.readAttributes(copy, "unix:ino").hashCode());
    assertSamePages();
    assertOnlyCopyAndRecord();
  }

  @Test
  void copyThatNothingProvesAnyMoreIsMadeEqualInPlace() throws Exception {
    try (Connection reader = openedAt1()) {
      change(new Random(1), 2);
      primary.commitImage("UPDATE state SET seq = 3");
      primary.delete(0, 1, 1);
      primary.delete(0, 2, 2);
      try (Followed followed = new Followed().resume()) {
        assertEquals(new Txid(3), followed.follower.txid());
        assertSamePages();
        assertEquals(3, checked(reader));
      }
    }
  }

  private Connection openedAt1() throws Exception {
    new Followed().begin().close();
    Connection reader = open(copy);
    assertEquals(1, checked(reader));
    return reader;
  }

  @Test
  void otherPageSizeIsTakenOnInPlace() throws Exception {
    try (Followed followed = new Followed().begin();
        Connection reader = open(copy)) {
      assertEquals(1, checked(reader));
      change(new Random(1), 2);
      primary.commitImage("UPDATE state SET seq = 3", "PRAGMA page_size = 4096", "VACUUM");
      assertTrue(followed.poll());
      assertEquals(3, checked(reader));
      change(new Random(2), 4);
      assertTrue(followed.poll());
      assertEquals(4, checked(reader));
      assertSamePages();
    }
  }

  @Test
  void copyThatWasWrittenToIsRefused() throws Exception {
    new Followed().begin().close();
    try (Connection writer = open(copy);
        Statement statement = writer.createStatement()) {
      statement.execute("UPDATE state SET total = 99");
    }
    try (Followed followed = new Followed()) {
      CopyException failure = assertThrows(CopyException.class, followed::resume);
      assertTrue(
          String.valueOf(failure.getMessage())
              .endsWith("was changed by another program after TXID 0000000000000001"),
          failure.getMessage());
    }
  }

  @Test
  void readerThatStaysDelaysTheCopyAndThenSeesAllOfIt() throws Exception {
    try (Followed followed = new Followed().begin();
        Connection reader = open(copy);
        Statement statement = reader.createStatement()) {
      statement.execute("BEGIN");
      statement.executeQuery("SELECT seq FROM state").close();
      change(new Random(1), 2);
      CompletableFuture<Boolean> step =
          CompletableFuture.supplyAsync(
              () -> {
                try {
                  return followed.poll();
                } catch (IOException e) {
                  throw new IllegalStateException(e);
                }
              });
      // Once the journal is there only the reader is waited for.
      Path journal = copy.resolveSibling("copy.db-journal");
      while (!Files.exists(journal)) {
        assertFalse(step.isDone());
        Thread.onSpinWait();
      }
      try (ResultSet row = statement.executeQuery("SELECT seq FROM state")) {
        assertEquals(1, row.getLong(1));
      }
      assertFalse(step.isDone());
      statement.execute("COMMIT");
      assertTrue(step.get(20, TimeUnit.SECONDS));
      assertEquals(2, checked(reader));
    }
  }

  @Test
  void replicaThatWasReplacedEndsIt() throws Exception {
    try (Followed followed = new Followed().begin()) {
      change(new Random(1), 2);
      assertTrue(followed.poll());
      Path other = Files.createDirectories(folder.resolve("other"));
      GrowingReplica another = new GrowingReplica(other);
      another.commit("CREATE TABLE somebody_elses (x)", "INSERT INTO somebody_elses VALUES (1)");
      another.commit("INSERT INTO somebody_elses VALUES (2)");
      for (int txid = 1; txid <= 2; txid++) {
        String name = "ltx/0/%016x-%016x.ltx".formatted(txid, txid);
        Files.copy(
            another.replica().resolve(name),
            primary.replica().resolve(name),
            StandardCopyOption.REPLACE_EXISTING);
      }
      assertThrows(ViewException.Replaced.class, followed::poll);
    }
    try (Followed followed = new Followed()) {
      assertThrows(ViewException.Replaced.class, followed::resume);
    }
  }

  @Test
  void databaseThatWasMadeByAnotherIsNotTakenForACopy() throws Exception {
    Files.write(copy, primary.bytes());
    CliRun run = CliRun.of("restore", "-f", "-o", copy.toString(), primary.replica().toString());
    assertEquals(ExitCode.FAILED, run.exitCode());
    assertTrue(run.err().endsWith("it exists already; --force replaces it\n"), run.err());
  }

  @Test
  void pastIsNotFollowed() {
    CliRun run = CliRun.of("restore", "-f", "-txid", "1", "-o", copy.toString(), "x");
    assertEquals(ExitCode.WRONG_USAGE, run.exitCode());
    assertEquals(
        "sluice: restore: --follow is about the newest state: leave out --txid and --timestamp\n",
        run.err());
  }
}
