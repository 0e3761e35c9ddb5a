package dev.sluice.replicator.capture;

import dev.sluice.ltx.LockPage;
import dev.sluice.replicator.spool.Image;
import dev.sluice.replicator.spool.PageSink;
import dev.sluice.replicator.wal.FrameReader;
import dev.sluice.replicator.wal.PageTable;
import dev.sluice.replicator.wal.WalEnd;
import dev.sluice.replicator.wal.WalFrame;
import dev.sluice.replicator.wal.WalHeader;
import dev.sluice.replicator.wal.WalPosition;
import dev.sluice.replicator.wal.WalReader;
import java.io.EOFException;
import java.io.IOException;
import java.io.InterruptedIOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.util.Optional;
import java.util.function.BooleanSupplier;

/**
 * Gives the whole database as it is after the last commit of the WAL.
 *
 * <p>True while the reader that was held when it was made still is: then no checkpoint goes beyond
 * that reader's mark, which is within what the image has from the WAL, and no frame of it is
 * overwritten. Where the database has all frames already the WAL may be reset meanwhile, and is not
 * read. So the image is to be written before the next hand over. Memory is a number for each page
 * in the WAL, whatever the size of the database.
 */
final class PrimaryImage {
  private static final int TRIES = 100;
  private static final int READ_BYTES = 256 << 10;

  private final DatabaseFile database;
  private final FileChannel walFile;
  private final WalReader wal;
  private final ByteBuffer buffer;
  private final BooleanSupplier isGivenUp;

  /**
   * @param buffer nobody else's until the image is written
   * @param isGivenUp has the writing of it fail soon
   */
  PrimaryImage(
      DatabaseFile database,
      FileChannel walFile,
      WalReader wal,
      ByteBuffer buffer,
      BooleanSupplier isGivenUp) {
    this.isGivenUp = isGivenUp;
    this.database = database;
    this.walFile = walFile;
    this.wal = wal;
    this.buffer = buffer;
  }

  /** The frames of a WAL that count: the newest of each page, and where they end. */
  private record Frames(WalPosition end, long commit, PageTable byPgno) {}

  /** Returns the image; empty if the database has no page yet. */
  Optional<Image> make(PrimaryConnections connections) throws IOException {
    for (int i = 0; i < TRIES; i++) {
      WalLook look = WalLook.of(wal, connections);
      if (look.header().isEmpty()) {
        return database.shape().map(this::ofFile);
      }
      WalHeader header = look.header().get();
      Optional<Frames> frames = frames(header, look.checkpoint().mxFrame());
      if (frames.isPresent()) {
        PageTable none = new PageTable();
        PageTable byPgno = look.checkpoint().isComplete() ? none : frames.get().byPgno();
        WalPosition end = frames.get().end();
        long commit = frames.get().commit();
        return Optional.of(image(header.pageSize(), commit, Optional.of(end), byPgno));
      }
    }
    throw new IOException("the WAL was reset at each of " + TRIES + " tries to read it");
  }

  private Image ofFile(DatabaseFile.Shape shape) {
    return image(shape.pageSize(), shape.pages(), Optional.empty(), new PageTable());
  }

  private Image image(int pageSize, long commit, Optional<WalPosition> end, PageTable byPgno) {
    return new Image(pageSize, commit, end, file -> write(file, pageSize, commit, byPgno));
  }

  /** Returns nothing if the WAL was reset meanwhile. */
  private Optional<Frames> frames(WalHeader header, long mxFrame) throws IOException {
    FrameReader reader = wal.frames(header.start(), header.pageSize(), mxFrame, buffer);
    PageTable byPgno = new PageTable();
    while (reader.next()) {
      long first = reader.lastFrame() - reader.count() + 1;
      for (int i = 0; i < reader.count(); i++) {
        byPgno.put(reader.pgno(i), Math.toIntExact(first + i));
      }
    }
    if (reader.end() instanceof WalEnd.OtherGeneration) {
      return Optional.empty();
    }
    if (!(reader.end() instanceof WalEnd.Reached) || reader.position().frame() != mxFrame) {
      throw new IOException("the WAL cannot be read up to frame " + mxFrame + ": " + reader.end());
    }
    return Optional.of(new Frames(reader.position(), reader.commit(), byPgno));
  }

  private void write(PageSink file, int pageSize, long commit, PageTable byPgno)
      throws IOException {
    byte[] page = new byte[pageSize];
    int most = Math.max(1, READ_BYTES / pageSize);
    for (long pgno = 1; pgno <= commit; ) {
      if (isGivenUp.getAsBoolean()) {
        throw new InterruptedIOException("given up at page " + pgno + " of " + commit);
      }
      int together = together(pgno, Math.min(most, commit - pgno + 1), byPgno);
      if (together == 0) {
        read(WalFrame.offset(byPgno.get(pgno), pageSize) + WalFrame.HEADER_BYTES, page);
        give(file, pgno, page);
        pgno++;
        continue;
      }
      buffer.clear().limit(together * pageSize);
      database.read(pgno, pageSize, buffer);
      int got = buffer.remaining() / pageSize;
      for (int i = 0; i < got; i++) {
        buffer.get(page);
        give(file, pgno + i, page);
      }
      pgno += got;
    }
  }

  /** Returns how many pages from one on are not in the WAL, {@code most} at most. */
  private static int together(long pgno, long most, PageTable byPgno) {
    int n = 0;
    while (n < most && byPgno.get(pgno + n) < 0) {
      n++;
    }
    return n;
  }

  private static void give(PageSink file, long pgno, byte[] page) throws IOException {
    if (pgno != LockPage.pgno(page.length)) {
      file.page(pgno, page);
    }
  }

  private void read(long offset, byte[] page) throws IOException {
    ByteBuffer dst = ByteBuffer.wrap(page);
    while (dst.hasRemaining()) {
      if (walFile.read(dst, offset + dst.position()) < 0) {
        throw new EOFException("the WAL ends at " + walFile.size() + ", a frame was to be read");
      }
    }
  }
}
