package dev.sluice.cli;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

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
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.NavigableSet;
import java.util.Optional;
import java.util.Random;
import java.util.TreeSet;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Consumer;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.io.TempDir;

/** A replica that grows, a copy that follows it, and how both are looked at. */
abstract class FollowedCopy {

  static final Duration PATIENCE = Duration.ofSeconds(20);

  @TempDir Path folder;
  GrowingReplica primary;
  Path copy = Path.of("");
  Consumer<CopyStep> steps = step -> {};

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
  void change(Random random, long seq) throws IOException, SQLException {
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
  CompletableFuture<NavigableSet<Long>> reader(CountDownLatch enough, boolean isKeptOpen) {
    return CompletableFuture.supplyAsync(
        () -> {
          NavigableSet<Long> seen = new TreeSet<>();
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

  static Connection open(Path database) throws SQLException {
    Connection connection =
        DriverManager.getConnection("jdbc:sqlite:" + IntegrityCheck.uri(database));
    try (Statement statement = connection.createStatement()) {
      statement.execute("PRAGMA busy_timeout = 20000");
    }
    return connection;
  }

  /** Returns the state's number, after checking that all of it is of that state. */
  static long checked(Connection connection) throws SQLException {
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

  Process start() throws IOException {
    return start(ProcessBuilder.Redirect.INHERIT);
  }

  Process start(ProcessBuilder.Redirect err) throws IOException {
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
        .redirectError(err)
        .start();
  }

  static String firstLine(Process process) throws IOException {
    BufferedReader lines =
        new BufferedReader(new InputStreamReader(process.getInputStream(), StandardCharsets.UTF_8));
    return String.valueOf(lines.readLine());
  }

  void awaitSeq(long seq, List<CompletableFuture<NavigableSet<Long>>> readers) throws Exception {
    long since = System.nanoTime();
    try (Connection connection = open(copy)) {
      while (checked(connection) < seq) {
        for (CompletableFuture<NavigableSet<Long>> reader : readers) {
          if (reader.isDone()) {
            reader.get(); // it has failed
          }
        }
        assertTrue(System.nanoTime() - since < 60_000_000_000L, "no state " + seq);
      }
    }
  }

  void assertOnlyCopyAndRecord() throws IOException {
    try (Stream<Path> files = Files.list(copy.resolveSibling(""))) {
      assertEquals(
          List.of("copy.db", "copy.db-follow"),
          files.map(path -> String.valueOf(path.getFileName())).sorted().toList());
    }
  }

  /** The header's fields that a copy has of its own are left out. */
  void assertSamePages() throws IOException {
    assertArrayEquals(masked(primary.bytes()), masked(Files.readAllBytes(copy)));
  }

  static byte[] masked(byte[] database) {
    Arrays.fill(database, 18, 20, (byte) 0);
    ByteBuffer.wrap(database).putInt(24, 0).putInt(40, 0).putInt(92, 0);
    return database;
  }

  /**
   * A follower in this process; what it writes is looked at between its steps, for its locks do not
   * keep this process out.
   */
  final class Followed implements AutoCloseable {
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

    Txid txid() {
      return follower.txid();
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

  long checkedState() throws SQLException {
    try (Connection connection = open(copy)) {
      return checked(connection);
    }
  }

  void keep(Path crash) throws IOException {
    Files.createDirectories(crash);
    for (String suffix : new String[] {"", "-journal", "-follow"}) {
      Path file = copy.resolveSibling("copy.db" + suffix);
      if (Files.exists(file)) {
        Files.copy(file, crash.resolve("copy.db" + suffix));
      }
    }
  }

  Connection openedAt1() throws Exception {
    new Followed().begin().close();
    Connection reader = open(copy);
    assertEquals(1, checked(reader));
    return reader;
  }
}
