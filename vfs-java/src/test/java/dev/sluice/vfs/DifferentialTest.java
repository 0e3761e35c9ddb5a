package dev.sluice.vfs;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sluice.ltx.LtxEncoder;
import dev.sluice.ltx.LtxHeader;
import dev.sluice.ltx.Txid;
import dev.sluice.ltx.TxidRange;
import dev.sluice.storage.LtxFileName;
import dev.sluice.testkit.Seed;
import dev.sluice.testkit.Seeded;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.Callable;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * A primary that writes anything, a replica that is compacted and loses files, and readers at any
 * TXID, hydrated, half-hydrated and evicting, from mappings and by pread: every result is held
 * against the primary's own file as it was at that TXID.
 */
class DifferentialTest {
  private static final int SECONDS = Integer.getInteger("sluice.soak.seconds", 10);
  private static final int PAGE_SIZE = 1024;
  private static final int READERS = 6;

  /** So many states are kept to compare with. */
  private static final int STATES = 60;

  /** Files of level 0 that stay, at least: as many TXIDs as a reader stays behind. */
  private static final int LEVEL_ZERO_FILES = 12;

  /** More would fill the disk with states; from then on there are only readers. */
  private static final int COMMITS_MAX = 4000;

  /** So many results stand between two commits, so that these last as long as the test does. */
  private static final int RESULTS_PER_COMMIT = Math.max(1, SECONDS / 2);

  private static final int KINDS = 4;

  @TempDir Path folder;

  /** Written by the primary alone. */
  private volatile Txid newest = Txid.NONE;

  private final Map<Txid, Path> states = new ConcurrentHashMap<>();
  private final AtomicInteger exact = new AtomicInteger();

  /** One for each result that no commit has waited for yet. */
  private final Semaphore results = new Semaphore(0);

  private final AtomicInteger gone = new AtomicInteger();

  @BeforeAll
  static void register() {
    Sluice.register();
  }

  @AfterAll
  static void unregister() {
    Sluice.unregister();
  }

  @Test
  void everyResultIsThePrimarysAtItsTxid(@Seeded("sluice.seed") Seed seed) throws Exception {
    long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(Math.min(SECONDS, 3600));
    FedReplica replica = new FedReplica(Files.createDirectory(folder.resolve("replica")));
    Primary primary = new Primary(replica, new Random(seed.value()));
    primary.commit();
    List<String> readings = new ArrayList<>(List.of("mmap", "mmap", "pread", "pread"));
    Collections.shuffle(readings, new Random(seed.value()));
    ExecutorService threads = Executors.newFixedThreadPool(READERS);
    try {
      List<Future<Integer>> readers = new ArrayList<>();
      for (int i = 0; i < READERS; i++) {
        String url = url(replica, i % KINDS, readings.get(i % KINDS));
        Random random = new Random(seed.value() + i + 1);
        readers.add(threads.submit((Callable<Integer>) () -> read(url, random, end)));
      }
      while (System.nanoTime() < end
          && newest.value() < COMMITS_MAX
          && results.tryAcquire(
              RESULTS_PER_COMMIT, end - System.nanoTime(), TimeUnit.NANOSECONDS)) {
        primary.commit();
        primary.keepHouse();
      }
      for (Future<Integer> reader : readers) {
        long left = Math.max(0, end - System.nanoTime()) + TimeUnit.SECONDS.toNanos(60);
        assertTrue(reader.get(left, TimeUnit.NANOSECONDS) > 0);
      }
    } finally {
      threads.shutdownNow();
      assertTrue(threads.awaitTermination(60, TimeUnit.SECONDS));
    }
    System.out.printf(
        "DifferentialTest: %s, %s, %s exact, %s gone%n", readings, newest, exact, gone);
    assertTrue(exact.get() > gone.get(), "more is gone than can be read");
  }

  /** Everybody on one URL shares one store: each kind comes by another name. */
  private String url(FedReplica replica, int kind, String reading) throws IOException {
    Path link = folder.resolve("replica-" + kind);
    if (Files.notExists(link)) {
      Files.createSymbolicLink(link, replica.root());
    }
    List<String> how =
        switch (kind) {
          case 0 -> List.of("hydration_enabled=true");
          case 1 -> List.of("hydration_enabled=true", "hydration_rate=200KB");
          case 2 -> List.of("store_size=256KiB");
          default -> List.of("store=memory", "store_size=256KiB");
        };
    List<String> all = new ArrayList<>(how);
    all.addAll(List.of("store_read=" + reading, "cache_dir=" + folder.resolve("cache")));
    all.addAll(List.of("page_cache_size=64KiB", "poll_interval=10ms"));
    return Urls.jdbc("file:" + link, all.toArray(String[]::new));
  }

  /** Returns how many results were as they must be. */
  private int read(String url, Random random, long end) throws SQLException {
    int count = 0;
    while (System.nanoTime() < end) {
      long last = newest.value();
      boolean isLatest = random.nextInt(3) > 0;
      long txid = Math.max(1, last - random.nextInt(STATES / 2));
      String jdbc = isLatest ? url : url + "&txid=" + Long.toHexString(txid);
      try (Connection db = DriverManager.getConnection(jdbc);
          Statement sql = db.createStatement()) {
        sql.execute("PRAGMA cache_size=" + (2 + random.nextInt(20)));
        for (int i = 0; i < 5 && System.nanoTime() < end; i++) {
          count += transaction(db, sql, random);
        }
      } catch (SQLException e) {
        requireGone(e, isLatest);
      }
    }
    return count;
  }

  /** The past may be gone, and so may what a transaction needs that came late to its view. */
  private void requireGone(SQLException e, boolean isLatest) throws SQLException {
    String message = String.valueOf(e.getMessage());
    boolean isOfThePast =
        message.contains("IOERR") // while it is opened no transaction holds its view
            || message.contains("not reachable")
            || message.contains("missing");
    if (!message.contains("history gone") && (isLatest || !isOfThePast)) {
      throw e;
    }
    gone.incrementAndGet();
  }

  /** Some stay behind for a while; each sees one TXID. */
  private int transaction(Connection db, Statement sql, Random random) throws SQLException {
    db.setAutoCommit(false);
    int queries = 1 + random.nextInt(8);
    String txid = "";
    for (int i = 0; i < queries; i++) {
      String query = query(random);
      String found;
      try {
        found = rows(sql, query);
      } catch (SQLException e) {
        String reason = rows(sql, "SELECT litestream_error()");
        throw new SQLException(query + " at " + txid + ": " + reason, e);
      }
      String now = rows(sql, "SELECT litestream_txid()");
      assertTrue(txid.isEmpty() || txid.equals(now), "the view moved inside a transaction");
      txid = now;
      Path state = states.get(Txid.parse(now.strip()));
      if (state == null) {
        break; // it stayed for too long to be compared
      }
      assertEquals(expected(state, query), found, query + " at " + now);
      exact.incrementAndGet();
      results.release();
    }
    db.commit();
    db.setAutoCommit(true);
    return queries;
  }

  private static String expected(Path state, String query) throws SQLException {
    try (Connection db =
            DriverManager.getConnection("jdbc:sqlite:file:" + state + "?mode=ro&immutable=1");
        Statement sql = db.createStatement()) {
      return rows(sql, query);
    }
  }

  private static String query(Random random) {
    int id = random.nextInt(600);
    return switch (random.nextInt(6)) {
      case 0 -> "SELECT count(*), sum(v), sum(length(w)) FROM t";
      case 1 -> "SELECT * FROM t WHERE id = " + id;
      case 2 ->
          "SELECT id, w FROM t WHERE v BETWEEN " + id + " AND " + (id + 20) + " ORDER BY v, id";
      case 3 -> "SELECT name, sql FROM sqlite_schema ORDER BY name";
      case 4 -> "SELECT v, count(*), max(w) FROM t GROUP BY v % 7 ORDER BY 1, 2";
      default -> "SELECT id FROM t ORDER BY id DESC LIMIT " + (1 + id % 50);
    };
  }

  private static String rows(Statement sql, String query) throws SQLException {
    StringBuilder text = new StringBuilder();
    try (ResultSet rows = sql.executeQuery(query)) {
      int columns = rows.getMetaData().getColumnCount();
      while (rows.next()) {
        for (int i = 1; i <= columns; i++) {
          text.append(rows.getString(i)).append('|');
        }
        text.append('\n');
      }
    }
    return text.toString().replaceAll("\\|\n$", "");
  }

  /** Writes, and looks after the replica. Confined to one thread. */
  private final class Primary {
    private final FedReplica replica;
    private final Random random;
    private final Path file = folder.resolve("primary.db");
    private byte[] image = {};
    private int tables;

    Primary(FedReplica replica, Random random) {
      this.replica = replica;
      this.random = random;
    }

    void commit() throws Exception {
      try (Connection db = DriverManager.getConnection("jdbc:sqlite:" + file);
          Statement sql = db.createStatement()) {
        if (image.length == 0) {
          sql.execute("PRAGMA page_size=" + PAGE_SIZE);
          sql.execute("PRAGMA auto_vacuum=INCREMENTAL");
          sql.execute("CREATE TABLE t(id INTEGER PRIMARY KEY, v INTEGER, w TEXT)");
          sql.execute("CREATE INDEX tv ON t(v)");
        }
        write(sql);
      }
      byte[] next = Files.readAllBytes(file);
      Txid txid = newest.next();
      Path state = folder.resolve("state-" + txid);
      Files.write(state, next);
      states.put(txid, state);
      forget(txid.value() - STATES);
      replica.add(0, ltx(txid, next));
      image = next;
      newest = txid;
    }

    /** What a reader has just taken from the states it may open a while later. */
    private void forget(long txid) throws IOException {
      if (txid > 0) {
        states.remove(new Txid(txid));
      }
      if (txid > STATES) {
        Files.delete(folder.resolve("state-" + new Txid(txid - STATES)));
      }
    }

    private void write(Statement sql) throws SQLException {
      int id = random.nextInt(600);
      switch (random.nextInt(12)) {
        case 0 -> sql.execute("DELETE FROM t WHERE id > " + id);
        case 1 -> sql.execute("PRAGMA incremental_vacuum");
        case 2 -> sql.execute("VACUUM");
        case 3 -> sql.execute("CREATE TABLE t" + ++tables + "(x)");
        case 4 -> sql.execute("UPDATE t SET v = v + 1 WHERE v % 5 = " + id % 5);
        default ->
            sql.execute(
                "WITH RECURSIVE n(i) AS (SELECT "
                    + id
                    + " UNION ALL SELECT i + 1 FROM n LIMIT "
                    + (1 + random.nextInt(60))
                    + ") INSERT OR REPLACE INTO t SELECT i, i * 7 % 601, hex(zeroblob("
                    + random.nextInt(120)
                    + ")) || "
                    + random.nextInt()
                    + " FROM n");
      }
    }

    private byte[] ltx(Txid txid, byte[] next) throws IOException {
      ByteArrayOutputStream out = new ByteArrayOutputStream();
      long commit = next.length / PAGE_SIZE;
      LtxHeader header =
          LtxHeader.of(
              PAGE_SIZE, commit, new TxidRange(txid, txid), 1_700_000_000_000L + txid.value());
      try (LtxEncoder encoder = new LtxEncoder(out, header)) {
        for (long pgno = 1; pgno <= commit; pgno++) {
          int from = (int) (pgno - 1) * PAGE_SIZE;
          int to = from + PAGE_SIZE;
          if (to > image.length || !Arrays.equals(image, from, to, next, from, to)) {
            encoder.page(pgno, Arrays.copyOfRange(next, from, to));
          }
        }
        encoder.finish();
      }
      return out.toByteArray();
    }

    /** Compacts and deletes, as a writer with short retention does. */
    void keepHouse() throws IOException {
      if (random.nextInt(4) == 0) {
        merge(0, 1, 2 + random.nextInt(6));
      }
      if (random.nextInt(12) == 0) {
        merge(1, 2, 2 + random.nextInt(4));
      }
      if (random.nextInt(20) == 0) {
        snapshot();
      }
      if (random.nextInt(8) == 0) {
        deleteCovered();
      }
    }

    /** Makes a file of the next level of files that the level does not have yet. */
    private void merge(int from, int to, int count) throws IOException {
      List<LtxFileName> upper = replica.files(to);
      long reached = upper.isEmpty() ? 0 : upper.get(upper.size() - 1).range().max().value();
      List<LtxFileName> wanted =
          replica.files(from).stream()
              .filter(name -> name.range().min().value() > reached)
              .limit(count)
              .toList();
      if (wanted.size() > 1
          && wanted.get(0).range().min().value() == reached + 1
          && !replica.had(FedReplica.merged(to, wanted))) {
        replica.merge(to, wanted);
      }
    }

    private void snapshot() throws IOException {
      List<LtxFileName> before = replica.files(9);
      List<LtxFileName> chain = new ArrayList<>();
      long reached = 0;
      if (!before.isEmpty()) {
        chain.add(before.get(before.size() - 1));
        reached = chain.get(0).range().max().value();
      }
      for (LtxFileName name : replica.files(1)) {
        if (name.range().min().value() <= reached + 1 && name.range().max().value() > reached) {
          chain.add(name);
          reached = name.range().max().value();
        }
      }
      if (chain.size() > 1 && !replica.had(FedReplica.merged(9, chain))) {
        replica.merge(9, chain);
      }
    }

    private void deleteCovered() throws IOException {
      List<LtxFileName> levelOne = replica.files(1);
      if (levelOne.isEmpty()) {
        return;
      }
      long covered =
          Math.min(
              levelOne.get(levelOne.size() - 1).range().max().value(),
              newest.value() - LEVEL_ZERO_FILES);
      for (LtxFileName name : replica.files(0)) {
        if (name.range().max().value() <= covered) {
          replica.delete(name);
        }
      }
    }
  }
}
