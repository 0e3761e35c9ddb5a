package dev.sluice.vfs;

import static org.junit.jupiter.api.Assertions.assertAll;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sluice.testkit.FaultProxy;
import dev.sluice.testkit.FaultProxy.Fault;
import dev.sluice.testkit.FaultProxy.Request;
import dev.sluice.testkit.Golden;
import dev.sluice.testkit.GoldenFile;
import dev.sluice.testkit.S3Server;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.time.Duration;
import java.util.List;
import java.util.function.Predicate;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.sqlite.SQLiteErrorCode;
import org.sqlite.SQLiteException;

/**
 * The table of troubles: what {@code getConnection} and a running query report for each, with which
 * code and by when, on a real socket; that the next statement works once the cause is gone; and
 * that ordinary connections of the process never notice.
 */
class TroubleTest {
  private static final Golden GOLDEN = Golden.named("live-4096");
  private static final String NEWEST = GOLDEN.images().lastKey();

  /** {@code read_timeout} of every connection that reaches it. */
  private static final Duration LIMIT = Duration.ofSeconds(2);

  /** What a machine under load may add to a deadline; the standard one is later by far. */
  private static final Duration SLACK = Duration.ofSeconds(5);

  @TempDir Path folder;

  private FaultProxy proxy;
  private TestBucket bucket;
  private Connection ordinary;

  @BeforeAll
  static void register() {
    Sluice.register();
  }

  @AfterAll
  static void unregister() {
    Sluice.unregister();
  }

  @BeforeEach
  void serve() throws SQLException {
    bucket = TestBucket.of(GOLDEN.files());
    proxy = FaultProxy.before(S3Server.shared().endpoint());
    ordinary = DriverManager.getConnection("jdbc:sqlite:" + folder.resolve("ordinary.db"));
    execute(ordinary, "CREATE TABLE o AS SELECT 42 AS n");
  }

  /** The ordinary connection was open all the time, and a new one opens and answers as well. */
  @AfterEach
  void ordinaryConnectionsNeverNotice() throws SQLException {
    assertEquals("42", DatabaseContents.value(ordinary, "SELECT n FROM o"));
    execute(ordinary, "UPDATE o SET n = n");
    ordinary.close();
    try (Connection another =
        DriverManager.getConnection("jdbc:sqlite:" + folder.resolve("ordinary.db"))) {
      assertEquals("42", DatabaseContents.value(another, "SELECT n FROM o"));
    }
    proxy.close();
  }

  /** Of a connection with the standard deadline. */
  private String patientUrl(String... parameters) {
    return Urls.jdbc(bucket.through(proxy.endpoint()).url(), parameters);
  }

  private String url() {
    return patientUrl("read_timeout=" + LIMIT.toMillis() + "ms");
  }

  private static Connection connect(String url) throws SQLException {
    return DriverManager.getConnection(url);
  }

  private static void execute(Connection connection, String sql) throws SQLException {
    try (var statement = connection.createStatement()) {
      statement.execute(sql);
    }
  }

  /** A failure and how long it took. */
  private record Failure(SQLException exception, Duration time) {

    static Failure of(SqlAction action) {
      long start = System.nanoTime();
      SQLException exception = assertThrows(SQLException.class, action::run);
      return new Failure(exception, Duration.ofNanos(System.nanoTime() - start));
    }

    Failure hasCode(SQLiteErrorCode code) {
      assertEquals(code, ((SQLiteException) exception).getResultCode(), exception::toString);
      return this;
    }

    Failure says(String... words) {
      for (String word : words) {
        assertTrue(message().contains(word), () -> "\"" + word + "\" in: " + message());
      }
      assertFalse(message().contains(S3Server.SECRET_ACCESS_KEY));
      return this;
    }

    private String message() {
      return String.valueOf(exception.getMessage());
    }

    Failure atOnce() {
      assertTrue(time.compareTo(SLACK) < 0, () -> "at once: " + time);
      return this;
    }

    Failure atTheDeadline() {
      assertTrue(
          time.compareTo(LIMIT.minusMillis(200)) > 0 && time.compareTo(LIMIT.plus(SLACK)) < 0,
          () -> "at the deadline: " + time);
      return this;
    }
  }

  private interface SqlAction {
    void run() throws SQLException;
  }

  @Test
  void unknownSchemeIsRefusedAtOnce() {
    Failure.of(() -> connect(Urls.jdbc("ftp://host/db")))
        .hasCode(SQLiteErrorCode.SQLITE_CANTOPEN)
        .says("ftp", "file", "s3")
        .atOnce();
  }

  @Test
  void schemesThatAreKnownAreNamed() {
    Failure.of(() -> connect(Urls.jdbc("gs://bucket/db")))
        .hasCode(SQLiteErrorCode.SQLITE_CANTOPEN)
        .says("gs", "file", "s3")
        .atOnce();
  }

  @Test
  void badParametersAreRefusedAtOnce() {
    assertAll(
        () ->
            Failure.of(() -> connect(patientUrl("txid=xyz")))
                .hasCode(SQLiteErrorCode.SQLITE_CANTOPEN)
                .says("txid", "xyz")
                .atOnce(),
        () ->
            Failure.of(() -> connect(patientUrl("read_timeot=1s")))
                .hasCode(SQLiteErrorCode.SQLITE_CANTOPEN)
                .says("read_timeot", "read_timeout")
                .atOnce(),
        () ->
            Failure.of(() -> connect(patientUrl("page_cache_size=many")))
                .hasCode(SQLiteErrorCode.SQLITE_CANTOPEN)
                .says("page_cache_size", "many")
                .atOnce(),
        () ->
            Failure.of(() -> connect(patientUrl("timestamp=2026-11-20T10%3A00%3A00")))
                .hasCode(SQLiteErrorCode.SQLITE_CANTOPEN)
                .says("zone")
                .atOnce(),
        () ->
            Failure.of(() -> connect(Urls.jdbc(bucket.url() + "&regoin=x")))
                .hasCode(SQLiteErrorCode.SQLITE_CANTOPEN)
                .says("regoin", "region")
                .atOnce());
  }

  @Test
  void aRawQueryIsShownEncoded() {
    String raw = "jdbc:sqlite:file:app.db?vfs=litestream&replica_url=" + bucket.url();
    Failure.of(() -> connect(raw))
        .hasCode(SQLiteErrorCode.SQLITE_CANTOPEN)
        .says("%3F", "%26")
        .atOnce();
  }

  @Test
  void missingBucketIsRefusedAtOnce() {
    String url = Urls.jdbc(bucket.url("no-such-bucket"));
    Failure.of(() -> connect(url))
        .hasCode(SQLiteErrorCode.SQLITE_CANTOPEN)
        .says("no-such-bucket", "NoSuchBucket")
        .atOnce();
  }

  @Test
  void deniedIsRefusedAtOnceOpenAndRead() throws SQLException {
    try (Connection open = connect(patientUrl())) {
      proxy.inject(request -> true, new Fault.Status(403, "AccessDenied"));
      readFails(open).hasCode(SQLiteErrorCode.SQLITE_IOERR_READ).atOnce();
      assertReason(open, bucket.bucket(), "AccessDenied");
      Failure.of(() -> connect(patientUrl("page_cache_size=1MB", "txid=1")))
          .hasCode(SQLiteErrorCode.SQLITE_CANTOPEN)
          .says(bucket.bucket(), "AccessDenied")
          .atOnce();
      healed(open);
    }
    proxy.inject(request -> true, new Fault.Status(403, "SignatureDoesNotMatch"));
    Failure.of(() -> connect(patientUrl()))
        .hasCode(SQLiteErrorCode.SQLITE_CANTOPEN)
        .says("SignatureDoesNotMatch")
        .atOnce();
  }

  static Stream<Arguments> outages() {
    return Stream.of(
        Arguments.of("never answers", new Fault.Hang()),
        Arguments.of("500", new Fault.Status(500, "InternalError")),
        Arguments.of("503", new Fault.Status(503, "SlowDown")),
        Arguments.of("reset in a body", new Fault.Reset(7)),
        Arguments.of("cut short", new Fault.Truncate(7)),
        Arguments.of("stalls", new Fault.Stall(7)));
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("outages")
  void outagesAreTriedUntilTheDeadline(String name, Fault fault) throws SQLException {
    try (Connection open = connect(url())) {
      proxy.inject(request -> true, fault);
      readFails(open).hasCode(SQLiteErrorCode.SQLITE_IOERR_READ).atTheDeadline();
      assertReason(open, "tried");
      healed(open);
    }
    proxy.inject(request -> true, fault);
    Failure.of(() -> connect(url()))
        .hasCode(SQLiteErrorCode.SQLITE_CANTOPEN)
        .says("tried")
        .atTheDeadline();
    proxy.heal();
    assertNewest(patientUrl());
  }

  @Test
  void refusedConnectionsAreTriedUntilTheDeadline() throws SQLException {
    try (Connection open = connect(url())) {
      proxy.refuse();
      readFails(open).hasCode(SQLiteErrorCode.SQLITE_IOERR_READ).atTheDeadline();
      assertReason(open, "tried");
      healed(open);
    }
    proxy.refuse();
    Failure.of(() -> connect(url()))
        .hasCode(SQLiteErrorCode.SQLITE_CANTOPEN)
        .says("tried")
        .atTheDeadline();
  }

  @Test
  void unknownHostIsTriedUntilTheDeadline() {
    String url =
        "s3://b/db?endpoint=http://no-such-host.invalid:9000&region=us-east-1&force-path-style=true";
    Failure.of(() -> connect(Urls.jdbc(url, "read_timeout=" + LIMIT.toMillis() + "ms")))
        .hasCode(SQLiteErrorCode.SQLITE_CANTOPEN)
        .says("tried", "no-such-host.invalid")
        .atTheDeadline();
  }

  @Test
  void anOutageThatEndsInTimeIsNotNoticed() throws SQLException {
    proxy.inject(5, request -> true, new Fault.Status(503, "SlowDown"));
    assertNewest(patientUrl());
  }

  @Test
  void emptyReplicaIsPolledUntilTheDeadline() {
    TestBucket empty = TestBucket.of(List.of());
    Failure.of(() -> connect(Urls.jdbc(empty.url(), "read_timeout=" + LIMIT.toMillis() + "ms")))
        .hasCode(SQLiteErrorCode.SQLITE_CANTOPEN)
        .says("no files yet", "app/db")
        .atTheDeadline();
  }

  @Test
  void anOutageAfterAnEmptyListingIsTheReason() {
    TestBucket empty = TestBucket.of(List.of());
    String url =
        Urls.jdbc(empty.through(proxy.endpoint()).url(), "read_timeout=" + LIMIT.toMillis() + "ms");
    proxy.inject(request -> true, new Fault.Status(503, "SlowDown"));
    proxy.inject(10, request -> true, new Fault.Delay(Duration.ZERO));
    Failure.of(() -> connect(url))
        .hasCode(SQLiteErrorCode.SQLITE_CANTOPEN)
        .says("tried", "SlowDown")
        .atTheDeadline();
  }

  @Test
  void filesThatArriveWhilePolledAreSeen() throws Exception {
    TestBucket late = TestBucket.of(List.of());
    TestBucket watched = late.through(proxy.endpoint());
    Thread writer =
        new Thread(
            () -> {
              try {
                proxy.await(seen -> seen.count("GET") > 20, Duration.ofSeconds(20));
              } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
              }
              late.put(newestSnapshot());
            });
    writer.start();
    assertNewest(Urls.jdbc(watched.url(), "read_timeout=20s"));
    writer.join();
  }

  @Test
  void aListedFileThatStaysGoneOrChangedIsHistoryGoneAtTheDeadline() {
    for (Fault fault :
        List.of(new Fault.Status(404, "NoSuchKey"), new Fault.Status(412, "PreconditionFailed"))) {
      proxy.inject(request -> request.path().endsWith(".ltx"), fault);
      Failure.of(() -> connect(url()))
          .hasCode(SQLiteErrorCode.SQLITE_CANTOPEN)
          .says("history gone", ".ltx")
          .atTheDeadline();
      proxy.heal();
    }
  }

  @Test
  void aGapIsNamedHoweverLittleTimeThereIs() {
    TestBucket gap =
        TestBucket.of(
            Golden.named("incr-4096").files().stream()
                .filter(file -> !file.minTxid().endsWith("6"))
                .toList());
    Failure.of(() -> connect(Urls.jdbc(gap.url(), "read_timeout=1400ms")))
        .hasCode(SQLiteErrorCode.SQLITE_CANTOPEN)
        .says("0000000000000005", "0000000000000006");
  }

  @Test
  void aGapNamesTheLastGoodAndTheMissingTxid() {
    TestBucket gap =
        TestBucket.of(
            Golden.named("incr-4096").files().stream()
                .filter(file -> !file.minTxid().endsWith("6"))
                .toList());
    Failure.of(() -> connect(Urls.jdbc(gap.url())))
        .hasCode(SQLiteErrorCode.SQLITE_CANTOPEN)
        .says("0000000000000005", "0000000000000006");
    TestBucket headless =
        TestBucket.of(
            Golden.named("incr-4096").files().stream()
                .filter(file -> !file.minTxid().endsWith("1"))
                .toList());
    Failure.of(() -> connect(Urls.jdbc(headless.url())))
        .hasCode(SQLiteErrorCode.SQLITE_CANTOPEN)
        .says("0000000000000001");
  }

  @Test
  void unreachableTxidNamesItsNeighbours() {
    TestBucket levels = TestBucket.of(Golden.named("levels-incr-4096").files());
    Failure.of(() -> connect(Urls.jdbc(levels.url(), "txid=5")))
        .hasCode(SQLiteErrorCode.SQLITE_CANTOPEN)
        .says("0000000000000005", "0000000000000004", "0000000000000006");
    Failure.of(() -> connect(Urls.jdbc(levels.url(), "txid=ff")))
        .hasCode(SQLiteErrorCode.SQLITE_CANTOPEN)
        .says("00000000000000ff", "000000000000000a");
  }

  @Test
  void aListedFileThatIsGoneIsPlannedAround() throws SQLException {
    GoldenFile snapshot = newestSnapshot();
    Predicate<Request> ofSnapshot =
        request -> request.path().endsWith(snapshot.name()) && request.path().contains("/0009/");
    proxy.inject(2, ofSnapshot, new Fault.Status(404, "NoSuchKey"));
    assertNewest(patientUrl());
  }

  @Test
  void aListedFileThatStaysGoneUnderAReaderIsHistoryGoneAtTheDeadline() throws SQLException {
    try (Connection open = connect(url())) {
      proxy.inject(request -> request.path().endsWith(".ltx"), new Fault.Status(404, "NoSuchKey"));
      readFails(open).hasCode(SQLiteErrorCode.SQLITE_IOERR_READ).atTheDeadline();
      assertReason(open, "history gone", ".ltx");
      healed(open);
    }
  }

  @Test
  void aMalformedFileIsPlannedAroundOrNamed() throws SQLException {
    GoldenFile snapshot = newestSnapshot();
    byte[] damaged = snapshot.bytes();
    damaged[damaged.length - 20] ^= 0x55;
    S3Server.shared().put(bucket.bucket(), TestBucket.key(snapshot), damaged);
    assertNewest(patientUrl());

    TestBucket only = TestBucket.of(Golden.named("rand-4096").files());
    GoldenFile file = Golden.named("rand-4096").files().get(0);
    byte[] cut = java.util.Arrays.copyOf(file.bytes(), file.bytes().length - 3);
    S3Server.shared().put(only.bucket(), TestBucket.key(file), cut);
    Failure.of(() -> connect(Urls.jdbc(only.url())))
        .hasCode(SQLiteErrorCode.SQLITE_CANTOPEN)
        .says(file.name(), "offset=")
        .atOnce();
  }

  @Test
  void failedAttachHasTheCodeAndKeepsTheReason() throws SQLException {
    String nowhere = bucket.url("no-such-bucket");
    attachFails(nowhere, "no-such-bucket", "NoSuchBucket");
    proxy.inject(request -> true, new Fault.Status(503, "SlowDown"));
    attachFails(bucket.through(proxy.endpoint()).url(), "tried", "SlowDown");
  }

  private void attachFails(String replicaUrl, String... words) throws SQLException {
    String uri =
        Urls.jdbc(replicaUrl, "read_timeout=" + LIMIT.toMillis() + "ms")
            .substring("jdbc:sqlite:".length());
    Failure.of(() -> execute(ordinary, "ATTACH '" + uri + "' AS replica"))
        .hasCode(SQLiteErrorCode.SQLITE_CANTOPEN);
    try (Connection fresh = connect("jdbc:sqlite::memory:")) {
      Failure.of(() -> execute(fresh, "ATTACH '" + uri + "' AS replica"));
      String reason = DatabaseContents.value(fresh, "SELECT litestream_error()");
      for (String word : words) {
        assertTrue(reason.contains(word), () -> "\"" + word + "\" in: " + reason);
      }
    }
  }

  private GoldenFile newestSnapshot() {
    return GOLDEN.files().stream()
        .filter(file -> file.level() == 9 && file.maxTxid().equals(NEWEST))
        .findFirst()
        .orElseThrow();
  }

  /** Fails to read a page that has not been asked for yet. */
  private static Failure readFails(Connection open) {
    return Failure.of(() -> DatabaseContents.of(open));
  }

  private static void assertReason(Connection open, String... words) throws SQLException {
    for (String reason : List.of(DatabaseContents.value(open, "PRAGMA litestream_error"))) {
      for (String word : words) {
        assertTrue(reason.contains(word), () -> "\"" + word + "\" in: " + reason);
      }
    }
  }

  /** The next statement works, unless the machine stands still for as long as it may take. */
  private void healed(Connection open) throws SQLException {
    proxy.heal();
    long begunNanos = System.nanoTime();
    String integrity;
    try {
      integrity = DatabaseContents.of(open).integrity();
    } catch (SQLException e) {
      if (System.nanoTime() - begunNanos < LIMIT.minusMillis(200).toNanos()) {
        throw e;
      }
      integrity = DatabaseContents.of(open).integrity();
    }
    assertEquals("ok", integrity);
  }

  private static void assertNewest(String url) throws SQLException {
    try (Connection connection = connect(url)) {
      assertEquals(NEWEST, DatabaseContents.value(connection, "SELECT litestream_txid()"));
      assertEquals("ok", DatabaseContents.of(connection).integrity());
    }
  }
}
