package dev.sluice.vfs;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sluice.ltx.Txid;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Connections that stay open while a replica changes below them, each checked against what the
 * database is at the TXID that it shows:
 *
 * <ul>
 *   <li>one that reads everything at each TXID, from a cache that holds all
 *   <li>one that reads little most of the time, from a cache that holds next to nothing; it comes
 *       through a symbolic link, because everybody on one URL shares one cache
 *   <li>one in a transaction that stays behind for some TXIDs, cold
 *   <li>one that is fixed in its URL, cold
 * </ul>
 *
 * <p>Confined to one thread.
 */
final class LiveReaders implements AutoCloseable {
  private static final int PINNED_STEPS = 5;
  private static final int FIXED_STEPS = 7;
  private static final int UNCACHED_STEPS = 3;
  private static final String POLL = "poll_interval=20ms";
  private static final String NO_CACHE = "page_cache_size=1KiB";

  /** What reading an old view may come to where files were taken away. */
  enum Old {
    /** It shows its TXID. */
    EXACT,
    /** It shows its TXID, or says that the history is gone. */
    OR_GONE
  }

  private final Map<Txid, DatabaseContents> states;
  private final Path link;
  private final Old latest;
  private final Old old;
  private final Connection cached;
  private final Connection uncached;
  private final Connection pinned;
  private @Nullable Connection fixed;
  private Txid pinnedAt = Txid.NONE;
  private Txid fixedAt = Txid.NONE;
  private int step;
  private int exact;
  private int gone;

  /**
   * Opens the connections on a replica that has files.
   *
   * @param states what the database is at each TXID
   */
  LiveReaders(FedReplica replica, Map<Txid, DatabaseContents> states, Old latest, Old old)
      throws IOException, SQLException {
    this.states = states;
    this.latest = latest;
    this.old = old;
    this.link = replica.root().resolveSibling(replica.root().getFileName() + "-link");
    if (Files.notExists(link)) {
      Files.createSymbolicLink(link, replica.root());
    }
    this.cached = DriverManager.getConnection(Urls.jdbc("file:" + replica.root(), POLL));
    this.uncached = uncached();
    this.pinned = uncached();
    pin(replica.reached());
    fix(replica.reached());
  }

  private Connection uncached(String... more) throws SQLException {
    String[] parameters = new String[more.length + 2];
    System.arraycopy(more, 0, parameters, 0, more.length);
    parameters[more.length] = POLL;
    parameters[more.length + 1] = NO_CACHE;
    Connection connection = DriverManager.getConnection(Urls.jdbc("file:" + link, parameters));
    execute(connection, "PRAGMA cache_size=4");
    return connection;
  }

  private static void execute(Connection connection, String sql) throws SQLException {
    try (Statement statement = connection.createStatement()) {
      statement.execute(sql);
    }
  }

  /** Begins a transaction; where its first read may fail and does, there is none. */
  private void pin(Txid txid) throws SQLException {
    await(pinned, txid);
    execute(pinned, "BEGIN");
    try {
      DatabaseContents.value(pinned, "SELECT count(*) FROM sqlite_schema");
      pinnedAt = txid;
    } catch (SQLException e) {
      requireGone(pinned, e, latest);
      unpin();
    }
  }

  /** Ends the transaction, unless SQLite has done so itself when a read failed. */
  private void unpin() throws SQLException {
    pinnedAt = Txid.NONE;
    try {
      execute(pinned, "ROLLBACK");
    } catch (SQLException e) {
      assertTrue(gone > 0, e::toString);
    }
  }

  private void fix(Txid txid) throws SQLException {
    fixedAt = txid;
    try {
      fixed = uncached("txid=" + txid);
    } catch (SQLException e) {
      if (latest == Old.EXACT) {
        throw e;
      }
      fixed = null;
    }
  }

  /**
   * Waits until the replica of a connection has come to a TXID: longer than listings of everything
   * are apart, because a golden replica has TXIDs that never were in level 0.
   */
  private static void await(Connection connection, Txid txid) throws SQLException {
    String shown =
        DatabaseContents.value(connection, "SELECT litestream_wait_txid('" + txid + "', 45)");
    assertEquals(txid.toString(), shown, "after waiting");
  }

  /** Waits until both replicas, that of the cached connection and the other, are at a TXID. */
  void await(Txid reached) throws SQLException {
    await(cached, reached);
    await(uncached, reached);
  }

  /** Requires that every connection shows its TXID: those that follow, that which was reached. */
  void check(Txid reached) throws SQLException {
    step++;
    await(reached);
    whole(cached, reached, latest);
    if (step % UNCACHED_STEPS == 0) {
      whole(uncached, reached, latest);
    } else {
      little(uncached, reached, latest);
    }
    if (pinnedAt.equals(Txid.NONE) || step % PINNED_STEPS == 0) {
      readPinned(reached);
    } else if (!little(pinned, pinnedAt, old)) {
      unpin();
    }
    if (step % FIXED_STEPS == 0) {
      readFixed(reached);
    }
  }

  private void readPinned(Txid reached) throws SQLException {
    if (!pinnedAt.equals(Txid.NONE)) {
      whole(pinned, pinnedAt, old);
      unpin();
    }
    pin(reached);
  }

  private void readFixed(Txid reached) throws SQLException {
    if (fixed != null) {
      whole(fixed, fixedAt, old);
      fixed.close();
    }
    fix(reached);
  }

  /** Reads everything once more, however old. */
  void checkAll(Txid reached) throws SQLException {
    whole(cached, reached, latest);
    whole(uncached, reached, latest);
    readPinned(reached);
    readFixed(reached);
  }

  /** Returns a connection that follows. */
  Connection following() {
    return cached;
  }

  /** Returns how many TXIDs were checked. */
  int steps() {
    return step;
  }

  /** Returns how often a whole database was read and was right. */
  int exact() {
    return exact;
  }

  /** Returns how often the history was gone. */
  int gone() {
    return gone;
  }

  /** Returns false if the history is gone and may be. */
  private boolean little(Connection connection, Txid txid, Old allowed) throws SQLException {
    String shown;
    String pageCount;
    try {
      shown = DatabaseContents.value(connection, "SELECT litestream_txid()");
      pageCount = DatabaseContents.value(connection, "PRAGMA page_count");
    } catch (SQLException e) {
      requireGone(connection, e, allowed);
      return false;
    }
    assertEquals(txid.toString(), shown);
    assertEquals(
        String.valueOf(expected(txid).pageCount()), pageCount, () -> "page_count at " + txid);
    return true;
  }

  private void whole(Connection connection, Txid txid, Old allowed) throws SQLException {
    if (!little(connection, txid, allowed)) {
      return;
    }
    DatabaseContents shown;
    try {
      shown = DatabaseContents.of(connection);
    } catch (SQLException e) {
      requireGone(connection, e, allowed);
      return;
    }
    boolean isBroken = allowed == Old.OR_GONE && !shown.integrity().equals("ok");
    if (isBroken && reason(connection).contains("history gone")) {
      gone++;
      return;
    }
    assertEquals(expected(txid), shown, () -> "at " + txid + ": " + reasonOrNone(connection));
    exact++;
  }

  private void requireGone(Connection connection, SQLException failure, Old allowed)
      throws SQLException {
    String reason = reason(connection);
    if (allowed == Old.EXACT) {
      throw new AssertionError("reason: " + reason, failure);
    }
    assertTrue(reason.contains("history gone"), () -> failure + ", reason: " + reason);
    gone++;
  }

  private static String reason(Connection connection) throws SQLException {
    return DatabaseContents.value(connection, "PRAGMA litestream_error");
  }

  private static String reasonOrNone(Connection connection) {
    try {
      return reason(connection);
    } catch (SQLException e) {
      return String.valueOf(e.getMessage());
    }
  }

  private DatabaseContents expected(Txid txid) {
    DatabaseContents state = states.get(txid);
    if (state == null) {
      throw new AssertionError(txid + " is no state of the database");
    }
    return state;
  }

  @Override
  public void close() throws SQLException {
    cached.close();
    uncached.close();
    pinned.close();
    if (fixed != null) {
      fixed.close();
    }
  }
}
