package dev.sluice.vfs;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sluice.testkit.FaultProxy;
import dev.sluice.testkit.FaultProxy.Fault;
import dev.sluice.testkit.FaultProxy.Request;
import dev.sluice.testkit.Golden;
import dev.sluice.testkit.S3Server;
import dev.sluice.testkit.Seed;
import dev.sluice.testkit.Seeded;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.sqlite.SQLiteErrorCode;
import org.sqlite.SQLiteException;

/**
 * Waits that are called off, on a socket that does not answer for longer than anybody here waits:
 * they end soon, and nobody else notices.
 */
class CancelTest {
  private static final Golden GOLDEN = Golden.named("live-4096");

  private static final String TABLE =
      "SELECT count(*) || '|' || total(length(quote(a))) FROM t NOT INDEXED";

  /**
   * What a call that was called off may take on a machine whose threads may all stand still for
   * seconds: it is to be 100 ms, and without the call it would be half a minute.
   */
  private static final Duration SOON = Duration.ofSeconds(10);

  /** What a test waits for something that must come. */
  private static final Duration SURELY = Duration.ofSeconds(60);

  /** Of the six readers that {@link #cancelsAtRandomHarmNobody} has. */
  private static final int CANCELLED_READERS = 3;

  private FaultProxy proxy;
  private TestBucket bucket;
  private DatabaseContents expected;
  private String expectedTable;

  /** How a wait is called off. */
  enum Way {
    CANCEL {
      @Override
      void callOff(Call<?> call, Statement statement) throws SQLException {
        statement.cancel();
      }
    },
    INTERRUPT {
      @Override
      void callOff(Call<?> call, Statement statement) {
        call.thread.interrupt();
      }
    };

    abstract void callOff(Call<?> call, Statement statement) throws SQLException;
  }

  /** Something that runs on a thread of its own. */
  private static final class Call<T> {
    final CompletableFuture<T> result = new CompletableFuture<>();
    final AtomicBoolean isInterruptedAfterwards = new AtomicBoolean();
    final Thread thread;

    Call(Callable<T> body) {
      thread =
          new Thread(
              () -> {
                try {
                  T value = body.call();
                  isInterruptedAfterwards.set(Thread.currentThread().isInterrupted());
                  result.complete(value);
                } catch (Throwable e) {
                  isInterruptedAfterwards.set(Thread.currentThread().isInterrupted());
                  result.completeExceptionally(e);
                }
              });
      thread.setDaemon(true);
      thread.start();
    }

    /** Returns when the thread waits in a call that has a time limit. */
    Call<T> waits() {
      long end = System.nanoTime() + SURELY.toNanos();
      while (thread.getState() != Thread.State.TIMED_WAITING) {
        assertTrue(System.nanoTime() < end && !result.isDone(), () -> "does not wait: " + result);
        Thread.onSpinWait();
      }
      return this;
    }

    T get() throws Exception {
      return result.get(SURELY.toSeconds(), TimeUnit.SECONDS);
    }

    /** Expects the end with INTERRUPT, and returns how soon after {@code startNanos} it came. */
    Duration isCalledOff(String what, long startNanos) throws Exception {
      Throwable failure = result.handle((value, e) -> e).get(SURELY.toSeconds(), TimeUnit.SECONDS);
      Duration time = Duration.ofNanos(System.nanoTime() - startNanos);
      System.out.println("CancelTest: " + what + " ended after " + time.toMillis() + " ms");
      assertTrue(failure instanceof SQLiteException, () -> what + ": " + failure);
      assertEquals(
          SQLiteErrorCode.SQLITE_INTERRUPT,
          ((SQLiteException) failure).getResultCode(),
          failure::toString);
      assertTrue(time.compareTo(SOON) < 0, () -> what + ": " + time);
      return time;
    }
  }

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
    try (Connection direct = DriverManager.getConnection(Urls.jdbc(bucket.url()))) {
      expected = DatabaseContents.of(direct);
      expectedTable = DatabaseContents.value(direct, TABLE);
    }
  }

  @AfterEach
  void stop() {
    proxy.close();
  }

  private Connection connect(String... parameters) throws SQLException {
    return DriverManager.getConnection(url(parameters));
  }

  private String url(String... parameters) {
    List<String> all = new ArrayList<>(List.of(parameters));
    all.add("read_timeout=30s");
    all.add("store=off"); // what one connection has read the next shall wait for
    return Urls.jdbc(bucket.through(proxy.endpoint()).url(), all.toArray(String[]::new));
  }

  /** Reads what no connection of these tests has read before. */
  private static String readAll(Statement statement) throws SQLException {
    try (var rows = statement.executeQuery(TABLE)) {
      rows.next();
      return rows.getString(1);
    }
  }

  /** Ends the requests that hang, and answers those that follow. */
  private void heal() {
    proxy.refuse();
    proxy.heal();
  }

  @ParameterizedTest
  @EnumSource
  void waitingReadEndsSoon(Way way) throws Exception {
    List<Duration> times = new ArrayList<>();
    for (String parameter : List.of("mode=ro", "txid=" + GOLDEN.images().lastKey())) {
      proxy.heal();
      try (Connection db = connect(parameter);
          Connection bystander = connect();
          Statement statement = db.createStatement()) {
        proxy.inject(CancelTest::isAny, new Fault.Hang());
        Call<String> call = new Call<>(() -> readAll(statement)).waits();
        long start = System.nanoTime();
        way.callOff(call, statement);
        times.add(call.isCalledOff(way + " of a read, " + parameter, start));
        String others = DatabaseContents.value(bystander, "PRAGMA litestream_error");
        assertFalse(others.startsWith("read page"), others); // who follows may have trouble
        assertEquals(way == Way.INTERRUPT, call.isInterruptedAfterwards.get());
        heal();
        assertEquals(expected, DatabaseContents.of(db), "the next statement");
      }
    }
    assertTrue(Collections.min(times).toMillis() < 1000, times::toString);
  }

  @ParameterizedTest
  @EnumSource
  void othersWhoWaitForTheSamePageGetIt(Way way) throws Exception {
    try (Connection db = connect();
        Connection other = connect();
        Statement statement = db.createStatement();
        Statement otherStatement = other.createStatement()) {
      proxy.clearLog();
      proxy.inject(CancelTest::isOfFile, new Fault.Hang());
      Call<String> call = new Call<>(() -> readAll(statement));
      proxy.await(seen -> seen.count("GET") > 0, SURELY);
      call.waits();
      Call<String> waiting = new Call<>(() -> readAll(otherStatement)).waits();
      long start = System.nanoTime();
      way.callOff(call, statement);
      call.isCalledOff(way + " of one of two", start);
      heal();
      assertEquals(expectedTable, waiting.get());
      assertEquals(expected, DatabaseContents.of(other));
      assertEquals(expected, DatabaseContents.of(db));
      assertEquals("NULL", DatabaseContents.value(other, "SELECT litestream_error()"));
    }
  }

  @ParameterizedTest
  @EnumSource
  void waitForATxidEndsSoon(Way way) throws Exception {
    try (Connection db = connect();
        Statement statement = db.createStatement()) {
      Call<Boolean> call =
          new Call<>(() -> statement.execute("SELECT litestream_wait_txid('ffff', 60)")).waits();
      long start = System.nanoTime();
      way.callOff(call, statement);
      call.isCalledOff(way + " of a wait for a TXID", start);
      assertEquals(way == Way.INTERRUPT, call.isInterruptedAfterwards.get());
      assertEquals(expected, DatabaseContents.of(db));
    }
  }

  @ParameterizedTest
  @EnumSource
  void moveInTimeEndsSoonAndDoesNotMove(Way way) throws Exception {
    String first = GOLDEN.images().firstKey();
    String time;
    try (Connection past = connect("txid=" + first)) {
      time = DatabaseContents.value(past, "SELECT litestream_time()").replace("Z", "1Z");
    }
    try (Connection db = connect();
        Statement statement = db.createStatement()) {
      proxy.inject(CancelTest::isAny, new Fault.Hang());
      String move = "SELECT litestream_set_time('" + time + "')";
      Call<Boolean> call = new Call<>(() -> statement.execute(move)).waits();
      long start = System.nanoTime();
      way.callOff(call, statement);
      call.isCalledOff(way + " of a move in time", start);
      heal();
      assertEquals(expected, DatabaseContents.of(db));
    }
  }

  private static boolean isAny(Request request) {
    return true;
  }

  private static boolean isOfFile(Request request) {
    return request.path().endsWith(".ltx");
  }

  @Test
  void interruptedAttachEndsSoonAndLeavesTheConnectionUsable() throws Exception {
    try (Connection db = DriverManager.getConnection("jdbc:sqlite::memory:");
        Statement statement = db.createStatement()) {
      proxy.inject(CancelTest::isAny, new Fault.Hang());
      String attach = "ATTACH '" + url().substring("jdbc:sqlite:".length()) + "' AS r";
      Call<Boolean> call = new Call<>(() -> statement.execute(attach)).waits();
      long start = System.nanoTime();
      call.thread.interrupt();
      call.isCalledOff("INTERRUPT of an ATTACH", start);
      heal();
      statement.execute(attach);
      assertEquals(
          GOLDEN.images().lastKey(), DatabaseContents.value(db, "SELECT litestream_txid('r')"));
    }
  }

  @Test
  void interruptedOpenEndsSoonAndOthersOpen() throws Exception {
    proxy.inject(CancelTest::isAny, new Fault.Hang());
    Call<Connection> call = new Call<>(this::connect);
    proxy.await(seen -> seen.count("GET") > 0, SURELY);
    call.waits();
    Call<DatabaseContents> waiting =
        new Call<>(
            () -> {
              try (Connection db = connect()) {
                return DatabaseContents.of(db);
              }
            });
    waiting.waits();
    long start = System.nanoTime();
    call.thread.interrupt();
    call.isCalledOff("INTERRUPT of an open", start);
    assertTrue(call.isInterruptedAfterwards.get());
    heal();
    assertEquals(expected, waiting.get());
  }

  /** Whoever is not called off has the right rows, and whoever is, too, the next time. */
  @Test
  void cancelsAtRandomHarmNobody(@Seeded("sluice.seed") Seed seed) throws Exception {
    AtomicInteger cancelled = new AtomicInteger();
    AtomicInteger finished = new AtomicInteger();
    AtomicBoolean isOver = new AtomicBoolean();
    proxy.inject(CancelTest::isOfFile, new Fault.Delay(Duration.ofMillis(30)));
    List<Connection> connections = new ArrayList<>();
    try {
      List<Call<String>> calls = new ArrayList<>();
      List<Statement> statements = new ArrayList<>();
      for (int i = 0; i < 6; i++) {
        // No cache holds more than a few pages, so that pages are waited for all the time.
        Connection db = connect("page_cache_size=10KB");
        boolean mayBeCancelled = i < CANCELLED_READERS;
        connections.add(db);
        Statement statement = db.createStatement();
        statements.add(statement);
        statement.execute("PRAGMA cache_size=2");
        calls.add(
            new Call<>(
                () -> {
                  while (!isOver.get()) {
                    try {
                      assertEquals(expectedTable, readAll(statement));
                      finished.incrementAndGet();
                    } catch (SQLiteException e) {
                      assertTrue(mayBeCancelled, e::toString);
                      assertEquals(SQLiteErrorCode.SQLITE_INTERRUPT, e.getResultCode());
                      cancelled.incrementAndGet();
                    }
                  }
                  return "ok";
                }));
      }
      Random random = seed.random();
      long end = System.nanoTime() + Duration.ofSeconds(4).toNanos();
      long next = System.nanoTime();
      while (System.nanoTime() < end) {
        if (System.nanoTime() >= next) {
          statements.get(random.nextInt(CANCELLED_READERS)).cancel();
          next = System.nanoTime() + random.nextInt(60_000_000);
        }
        Thread.onSpinWait();
      }
      isOver.set(true);
      proxy.heal();
      for (Call<String> call : calls) {
        assertEquals("ok", call.get());
      }
      for (Statement statement : statements) {
        assertEquals(expectedTable, readAll(statement));
      }
      assertEquals(expected, DatabaseContents.of(connections.get(0)));
      System.out.println("CancelTest: " + cancelled + " cancelled, " + finished + " finished");
      assertTrue(cancelled.get() > 5, "cancelled " + cancelled);
      assertTrue(finished.get() > 0, "finished " + finished);
    } finally {
      for (Connection db : connections) {
        db.close();
      }
    }
  }
}
