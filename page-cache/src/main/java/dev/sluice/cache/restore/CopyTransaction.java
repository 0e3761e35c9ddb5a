package dev.sluice.cache.restore;

import java.io.BufferedOutputStream;
import java.io.Closeable;
import java.io.DataOutputStream;
import java.io.FileOutputStream;
import java.io.IOException;
import java.io.InterruptedIOException;
import java.io.RandomAccessFile;
import java.nio.ByteBuffer;
import java.nio.channels.FileLock;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Random;
import java.util.concurrent.TimeUnit;

/**
 * One write transaction on a database file that other processes read through SQLite: the locks and
 * the rollback journal are SQLite's own, so that a reader sees the state before or the one after,
 * and whoever opens the file after a crash in between rolls it back.
 *
 * <pre>
 *   reserve    RESERVED                        readers go on
 *   journal    what the changed pages were     readers go on; synced
 *   lockOut    PENDING, then EXCLUSIVE         waits for readers to end
 *   write      pages, size                     synced
 *   commit     the journal is deleted          from here on it has happened
 * </pre>
 *
 * <p>Why not a file renamed into its place: it costs the whole size each time, and a connection
 * that is open keeps the old file for ever. Why not a WAL: its index is shared memory that readers
 * map, and nothing but SQLite should write there.
 *
 * <p>Layouts: https://sqlite.org/fileformat2.html#the_rollback_journal, lock bytes:
 * https://sqlite.org/src/file/src/os.h. Closing the file in this process drops every lock that the
 * process has on it, SQLite's too: nothing else here may have it open. Confined to one thread at a
 * time; an interrupt breaks it off like a crash.
 */
final class CopyTransaction implements Closeable {
  private static final long PENDING_AT = 0x40000000L;
  private static final long RESERVED_AT = PENDING_AT + 1;
  private static final long SHARED_AT = PENDING_AT + 2;
  private static final int SHARED_BYTES = 510;

  // The journal; integers are big-endian.
  //
  //    0           8       12      16           20            24          28 .. 512
  //   +-----------+-------+-------+------------+-------------+-----------+-------+
  //   | magic     | count | nonce | old commit | sector size | page size | zeros |
  //   +-----------+-------+-------+------------+-------------+-----------+-------+
  //   | pgno (4) | the page as it was | checksum (4) |  count times
  //   +----------+--------------------+--------------+
  static final byte[] MAGIC = {
    (byte) 0xd9, (byte) 0xd5, 0x05, (byte) 0xf9, 0x20, (byte) 0xa1, 0x63, (byte) 0xd7
  };
  private static final int SECTOR_BYTES = 512;
  private static final int CHECKSUM_STRIDE = 200;

  /** How long new readers are kept out at once while old ones are waited for. */
  private static final Duration SIEGE = Duration.ofMillis(500);

  private static final Duration TRY = Duration.ofMillis(2);
  private static final Duration RESERVE_LIMIT = Duration.ofSeconds(5);

  private final Path path;
  private final Path journal;
  private final RandomAccessFile file;
  private final CopyFollower.Setup setup;
  private boolean isJournaled;
  private boolean isWritten;

  private CopyTransaction(Path path, RandomAccessFile file, CopyFollower.Setup setup) {
    this.path = path;
    this.journal = path.resolveSibling(path.getFileName() + "-journal");
    this.file = file;
    this.setup = setup;
  }

  /** The copy is not to be followed any more: what was waited for until then is given up. */
  static final class ClosingException extends IOException {
    private static final long serialVersionUID = 1L;

    ClosingException(Path path) {
      super(path + " is not followed any more");
    }

    ClosingException(Path path, IOException brokenOff) {
      super(path + " is not followed any more", brokenOff);
    }
  }

  /**
   * Takes the RESERVED lock.
   *
   * @param path no symbolic link: SQLite looks for a journal beside the file that it leads to
   * @throws ClosingException if it was not free before nobody wanted it any more
   * @throws CopyException if another program writes to the file, or has left a journal or WAL
   */
  static CopyTransaction reserve(Path path, CopyFollower.Setup setup) throws IOException {
    if (!Files.isRegularFile(path)) {
      throw new CopyException(path + " is not there any more"); // opening it would make one
    }
    RandomAccessFile file = new RandomAccessFile(path.toFile(), "rw");
    CopyTransaction transaction = new CopyTransaction(path, file, setup);
    try {
      long since = System.nanoTime();
      while (!transaction.isLocked(RESERVED_AT, 1)) {
        if (System.nanoTime() - since > RESERVE_LIMIT.toNanos()) {
          throw new CopyException(path + " is being written to by another program");
        }
        if (transaction.isPaused(TRY)) {
          throw new ClosingException(path);
        }
      }
      transaction.requireNoLog();
      return transaction;
    } catch (IOException | RuntimeException e) {
      file.close();
      throw e;
    }
  }

  private void requireNoLog() throws IOException {
    if (Files.exists(journal) && Files.size(journal) > 0) {
      throw new CopyException(journal + " is to be rolled back first");
    }
    Path wal = path.resolveSibling(path.getFileName() + "-wal");
    if (Files.exists(wal) && Files.size(wal) > 0) {
      throw new CopyException(wal + " is there: another program has changed the copy");
    }
  }

  /** Never waits. */
  private boolean isLocked(long at, int bytes) throws IOException {
    FileLock lock = file.getChannel().tryLock(at, bytes, false);
    return lock != null;
  }

  private boolean isPaused(Duration time) throws IOException {
    try {
      return setup.closing().await(time.toNanos(), TimeUnit.NANOSECONDS);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new InterruptedIOException("write to " + path + ": interrupted");
    }
  }

  long length() throws IOException {
    return file.length();
  }

  void read(long offset, byte[] dst) throws IOException {
    file.seek(offset);
    file.readFully(dst);
  }

  /**
   * Writes down what pages were, and syncs it.
   *
   * @param pages those that will change or go, none past {@code commit}
   * @param commit the size in pages as it is
   */
  void journal(PageSet pages, long commit, int pageSize) throws IOException {
    int nonce = new Random().nextInt();
    isJournaled = true;
    try (FileOutputStream out = new FileOutputStream(journal.toFile());
        DataOutputStream data = new DataOutputStream(new BufferedOutputStream(out, 1 << 16))) {
      ByteBuffer header = ByteBuffer.allocate(SECTOR_BYTES);
      header.put(MAGIC).putInt((int) pages.count()).putInt(nonce).putInt((int) commit);
      header.putInt(SECTOR_BYTES).putInt(pageSize);
      data.write(header.array());
      byte[] page = new byte[pageSize];
      for (long pgno = pages.firstPresent(1); pgno <= commit; pgno = pages.firstPresent(pgno + 1)) {
        read((pgno - 1) * pageSize, page);
        data.writeInt((int) pgno);
        data.write(page);
        data.writeInt(checksum(page, nonce));
      }
      data.flush();
      out.getFD().sync();
    }
    DatabasePlace.syncFolderOf(path);
    setup.steps().accept(CopyStep.JOURNALED);
  }

  private static int checksum(byte[] page, int nonce) {
    int sum = nonce;
    for (int at = page.length - CHECKSUM_STRIDE; at > 0; at -= CHECKSUM_STRIDE) {
      sum += page[at] & 0xff;
    }
    return sum;
  }

  /**
   * Waits until nobody reads. New readers are kept out for half a second at a time, then let in for
   * as long, so that one that reads for minutes delays this transaction and nobody else.
   *
   * @return false if the transaction was no longer wanted first
   */
  boolean isLockedOut() throws IOException {
    while (true) {
      long since = System.nanoTime();
      FileLock pending = file.getChannel().tryLock(PENDING_AT, 1, false);
      while (System.nanoTime() - since < SIEGE.toNanos()) {
        if (pending == null) {
          pending = file.getChannel().tryLock(PENDING_AT, 1, false);
        } else if (isLocked(SHARED_AT, SHARED_BYTES)) {
          setup.steps().accept(CopyStep.LOCKED);
          return true;
        }
        if (isPaused(TRY)) {
          return false;
        }
      }
      if (pending != null) {
        pending.release();
      }
      if (isPaused(SIEGE)) {
        return false;
      }
    }
  }

  /** Begins to write: from here on a failure leaves a journal that is rolled back. */
  void write(long offset, byte[] bytes) throws IOException {
    isWritten = true;
    file.seek(offset);
    file.write(bytes);
    setup.steps().accept(CopyStep.PAGE_WRITTEN);
  }

  void commit(long bytes) throws IOException {
    isWritten = true;
    file.setLength(bytes);
    file.getFD().sync();
    setup.steps().accept(CopyStep.WRITTEN);
    Files.delete(journal);
    isJournaled = false;
    DatabasePlace.syncFolderOf(path);
    setup.steps().accept(CopyStep.COMMITTED);
  }

  /**
   * Drops the locks. Without a commit a database that was written to keeps its journal: whoever
   * opens it next rolls it back.
   */
  @Override
  public void close() throws IOException {
    try {
      if (isJournaled && !isWritten) {
        Files.deleteIfExists(journal);
      }
    } finally {
      file.close();
    }
  }
}
