package dev.sluice.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sluice.testkit.FaultProxy;
import dev.sluice.testkit.FaultProxy.Fault;
import dev.sluice.testkit.S3Server;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Signals, while the storage has something to do still. */
final class ReplicateEndTest {
  private static final Duration SURELY = Duration.ofSeconds(ReplicateProcess.SURELY_SECONDS);

  @TempDir Path folder;

  private final S3Server server = S3Server.shared();
  private final String bucket = server.createBucket();
  private final FaultProxy storage = FaultProxy.before(server.endpoint());

  @AfterEach
  void close() {
    storage.close();
  }

  private String database() {
    return folder.resolve("app.db").toString();
  }

  private String configuration() {
    return folder.resolve("litestream.yml").toString();
  }

  private void write(String sql) throws Exception {
    try (Connection connection = DriverManager.getConnection("jdbc:sqlite:" + database());
        Statement statement = connection.createStatement()) {
      statement.execute("PRAGMA busy_timeout=5000");
      statement.execute("PRAGMA journal_mode=WAL");
      statement.execute(sql);
    }
  }

  private ReplicateProcess start(String shutdownSyncTimeout) throws Exception {
    String text =
        """
        socket: {enabled: true, path: '%1$s/s'}
        shutdown-sync-timeout: %2$s
        dbs: [{path: '%1$s/app.db', replica: {url: 's3://%3$s/app', region: r, endpoint: '%4$s'}}]
        access-key-id: %5$s
        secret-access-key: %6$s
        """
            .formatted(
                folder,
                shutdownSyncTimeout,
                bucket,
                storage.endpoint(),
                S3Server.ACCESS_KEY_ID,
                S3Server.SECRET_ACCESS_KEY);
    Path unused = Files.writeString(Path.of(configuration()), text);
    return ReplicateProcess.start(folder, "-config", configuration());
  }

  private static boolean isPut(FaultProxy.Exchange exchange) {
    return exchange.request().method().equals("PUT");
  }

  /** The socket goes when the first has been heard. */
  @Test
  void secondSignalEndsAtOnceWhateverIsToBeShipped() throws Exception {
    write("CREATE TABLE t(a)");
    storage.inject(request -> request.method().equals("PUT"), new Fault.Hang());
    try (ReplicateProcess replicate = start("10m")) {
      storage.await(proxy -> proxy.log().stream().anyMatch(ReplicateEndTest::isPut), SURELY);
      replicate.signal("TERM");
      long since = System.nanoTime();
      while (Files.exists(folder.resolve("s"))) {
        assertTrue(System.nanoTime() - since < SURELY.toNanos(), "it does not hear");
        Thread.onSpinWait();
      }
      replicate.signal("TERM");
      assertEquals(128 + 15, replicate.exitCode());
      assertEquals("", replicate.err());
    }
  }

  private void sync() {
    assertEquals("", CliRun.done("sync", "-wait", "-config", configuration(), database()).err());
  }

  private String restored() {
    String copy = folder.resolve("copy.db").toString();
    CliRun.done("restore", "-config", configuration(), "-force", "-o", copy, database());
    try (Connection connection = DriverManager.getConnection("jdbc:sqlite:" + copy);
        Statement statement = connection.createStatement();
        ResultSet row = statement.executeQuery("SELECT group_concat(a, ' ') FROM t")) {
      return row.getString(1);
    } catch (SQLException e) {
      throw new AssertionError(e);
    }
  }

  @Test
  void signalSaysWhatIsNotShippedWhereTheStorageIsAway() throws Exception {
    write("CREATE TABLE t AS SELECT 'first' AS a");
    try (ReplicateProcess replicate = start("1s")) {
      replicate.awaitLine("replicate " + database());
      sync();
      writeInVain();
      replicate.signal("TERM");
      assertEquals(ExitCode.FAILED, replicate.exitCode());
      assertEquals(
          "sluice: replicate: DB: N bytes are not shipped: write s3://BUCKET/app/0000/"
              + "0000000000000002-0000000000000002.ltx: PutObject in bucket BUCKET at "
              + "STORAGE: Connection refused\n",
          said(replicate.err()));
    }
    storage.heal();
    assertEquals("first", restored());
    try (ReplicateProcess again = start("30s")) {
      again.awaitLine("replicate " + database());
      sync();
      assertEquals("first second", restored());
      again.signal("TERM");
      assertEquals(ExitCode.DONE, again.exitCode());
      assertEquals("", again.err());
    }
  }

  /** Returns what a failed command said, without what differs from run to run. */
  private String said(String err) {
    return err.replace(database(), "DB")
        .replace(bucket, "BUCKET")
        .replace(storage.endpoint().toString(), "STORAGE")
        .replaceFirst("[1-9][0-9]* bytes", "N bytes");
  }

  /** Commits while the storage is away, until a first attempt to ship that has failed. */
  private void writeInVain() throws Exception {
    storage.refuse();
    write("INSERT INTO t VALUES('second')");
    long since = System.nanoTime();
    while (!CliRun.done("status", "-config", configuration()).out().contains("refused")) {
      assertTrue(System.nanoTime() - since < SURELY.toNanos(), "nothing is tried");
    }
  }

  private String refused(String command, String limit) {
    CliRun run = CliRun.of(command, "-timeout", limit, "-config", configuration(), database());
    assertEquals(ExitCode.FAILED, run.exitCode());
    assertEquals("", run.out());
    return said(run.err());
  }

  @Test
  void stopSaysWhatIsNotShippedAndSoDoesTheEnd() throws Exception {
    String why =
        ": N bytes are not shipped: write s3://BUCKET/app/0000/"
            + "0000000000000002-0000000000000002.ltx: PutObject in bucket BUCKET at "
            + "STORAGE: Connection refused\n";
    write("CREATE TABLE t AS SELECT 'first' AS a");
    try (ReplicateProcess replicate = start("1s")) {
      replicate.awaitLine("replicate " + database());
      sync();
      writeInVain();
      assertEquals("sluice: stop DB" + why, refused("stop", "1s"));
      assertEquals("sluice: stop DB" + why, refused("stop", "1s"));
      replicate.signal("TERM");
      assertEquals(ExitCode.FAILED, replicate.exitCode());
      assertEquals("sluice: replicate: DB" + why, said(replicate.err()));
    }
  }

  @Test
  void databaseThatWasStoppedWithAllShippedEndsWellWithoutItsStorage() throws Exception {
    write("CREATE TABLE t AS SELECT 'first' AS a");
    try (ReplicateProcess replicate = start("1s")) {
      replicate.awaitLine("replicate " + database());
      sync();
      assertEquals(
          "", CliRun.done("stop", "-timeout", "30s", "-config", configuration(), database()).err());
      storage.refuse();
      write("INSERT INTO t VALUES('nobody asked for this one')");
      replicate.signal("TERM");
      assertEquals(ExitCode.DONE, replicate.exitCode());
      assertEquals("", replicate.err());
    }
  }

  @Test
  void signalSaysThatNothingIsShippedWhereTheStorageNeverAnswered() throws Exception {
    write("CREATE TABLE t(a)");
    storage.inject(request -> true, new Fault.Hang());
    try (ReplicateProcess replicate = start("1s")) {
      storage.await(proxy -> !proxy.log().isEmpty(), SURELY);
      assertEquals(
          "sluice: stop DB: not all is shipped: no time was left\n", refused("stop", "1s"));
      CliRun.done("start", "-config", configuration(), database());
      replicate.signal("TERM");
      assertEquals(ExitCode.FAILED, replicate.exitCode());
      assertEquals(
          "sluice: replicate: DB: not all is shipped: no time was left\n", said(replicate.err()));
    }
  }
}
