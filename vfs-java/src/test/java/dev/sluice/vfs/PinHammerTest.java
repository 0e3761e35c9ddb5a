package dev.sluice.vfs;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Readers pin while a writer publishes as fast as it can, in a ring so small that every record is
 * soon used again. Page 1 of a view carries its TXID as {@code user_version}: a transaction that
 * sees two numbers has seen two views.
 */
class PinHammerTest {
  private static final int READERS = 4;
  private static final int SLOTS = 6;
  private static final int TRANSACTIONS = 4000;
  private static final int USER_VERSION = 60;

  @Test
  void everyTransactionSeesOneView(@TempDir Path dir) throws Exception {
    Path image = dir.resolve("image.db");
    try (Connection db = DriverManager.getConnection("jdbc:sqlite:" + image);
        Statement sql = db.createStatement()) {
      sql.execute("CREATE TABLE t(x)");
    }
    VersionedBackend[] backend = new VersionedBackend[1];
    Sluice.register(parameters -> backend[0].open(parameters), name -> Optional.empty());
    backend[0] = new VersionedBackend(Files.readAllBytes(image));
    AtomicBoolean isDone = new AtomicBoolean();
    ExecutorService threads = Executors.newFixedThreadPool(READERS + 1);
    try {
      Future<Long> writer = threads.submit(() -> backend[0].publishUntil(isDone));
      List<Future<Integer>> readers = new ArrayList<>();
      for (int i = 0; i < READERS; i++) {
        readers.add(threads.submit((Callable<Integer>) PinHammerTest::readMany));
      }
      int views = 0;
      for (Future<Integer> reader : readers) {
        views += reader.get();
      }
      isDone.set(true);
      assertNotEquals(0L, writer.get());
      assertNotEquals(READERS, views, "the readers never saw a new view: nothing was tested");
      assertEquals(0, backend[0].database.control.claimedSlots());
    } finally {
      isDone.set(true);
      threads.shutdownNow();
      Sluice.unregister();
    }
  }

  /** Returns how many views it saw. */
  private static int readMany() throws SQLException {
    int views = 0;
    long last = -1;
    try (Connection db =
            DriverManager.getConnection("jdbc:sqlite:file:h?vfs=litestream&replica_url=fake:h");
        Statement sql = db.createStatement()) {
      for (int i = 0; i < TRANSACTIONS; i++) {
        sql.execute("BEGIN");
        one(sql, "SELECT count(*) FROM t");
        long txid = Long.parseLong(one(sql, "SELECT litestream_txid()"), 16);
        long version = Long.parseLong(one(sql, "PRAGMA user_version"));
        long again = Long.parseLong(one(sql, "SELECT litestream_txid()"), 16);
        sql.execute("COMMIT");
        assertEquals(txid, version, "page 1 is of another view than the pin");
        assertEquals(txid, again, "the view moved inside a transaction");
        assertEquals(true, last <= txid, "the view moved backwards");
        views += txid == last ? 0 : 1;
        last = txid;
      }
    }
    return views;
  }

  private static String one(Statement sql, String query) throws SQLException {
    try (ResultSet result = sql.executeQuery(query)) {
      result.next();
      return result.getString(1);
    }
  }

  /**
   * One database whose page 1 names the view it is read for; refuses a read under a word that no
   * slot holds.
   */
  private static final class VersionedBackend implements Backend {
    final FakeBackend.Database database;

    VersionedBackend(byte[] image) {
      database = new FakeBackend.Database(image, SLOTS);
    }

    long publishUntil(AtomicBoolean isDone) {
      long txid = database.txid;
      int entry = 0;
      while (!isDone.get()) {
        int next = database.control.freeEntry(entry);
        if (next < 0) {
          throw new IllegalStateException("no ring entry is free");
        }
        txid++;
        database.control.record(next, database.view(txid));
        database.control.publish(txid, next, database.pageSize);
        entry = next;
      }
      return txid - database.txid;
    }

    @Override
    public ReplicaFile open(OpenRequest request) {
      return new FakeBackend.PlainFile(database, false) {
        @Override
        public void read(long word, long pgno, ByteBuffer dst) throws IOException {
          if (!database.control.isPinned(word)) {
            throw new IOException("the view is not pinned");
          }
          int start = dst.position();
          super.read(word, pgno, dst);
          if (pgno == 1) {
            dst.duplicate().putInt(start + USER_VERSION, (int) (word >>> 16));
          }
        }
      };
    }
  }
}
