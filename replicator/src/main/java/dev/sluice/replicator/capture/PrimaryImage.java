package dev.sluice.replicator.capture;

import dev.sluice.ltx.LtxEncoder;
import dev.sluice.replicator.spool.Image;
import dev.sluice.replicator.wal.FrameReader;
import dev.sluice.replicator.wal.WalEnd;
import dev.sluice.replicator.wal.WalFrame;
import dev.sluice.replicator.wal.WalHeader;
import dev.sluice.replicator.wal.WalPosition;
import dev.sluice.replicator.wal.WalReader;
import java.io.EOFException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;

/**
 * Makes an image of the whole database as it is after the last commit of the WAL.
 *
 * <p>True while the reader that was held when it was made still is: then no checkpoint goes beyond
 * that reader's mark, which is within what the image has from the WAL, and no frame of it is
 * overwritten. Where the database has all frames already the WAL may be reset meanwhile, and is not
 * read. So the image is to be written before the next hand over.
 */
final class PrimaryImage {
  private static final int TRIES = 100;

  private final DatabaseFile database;
  private final FileChannel walFile;
  private final WalReader wal;
  private final ByteBuffer buffer;

  PrimaryImage(DatabaseFile database, FileChannel walFile, WalReader wal, ByteBuffer buffer) {
    this.database = database;
    this.walFile = walFile;
    this.wal = wal;
    this.buffer = buffer;
  }

  /** The frames of a WAL that count: the newest of each page, and where they end. */
  private record Frames(WalPosition end, long commit, Map<Long, Long> byPgno) {}

  /** Returns the image; empty if the database has no page yet. */
  Optional<Image> make(PrimaryConnections connections) throws IOException {
    for (int i = 0; i < TRIES; i++) {
      WalLook look = WalLook.of(wal, connections);
      int pageSize = look.header().map(WalHeader::pageSize).orElse(database.pageSize());
      if (pageSize == 0) {
        return Optional.empty();
      }
      if (look.header().isEmpty()) {
        return Optional.of(ofFile(pageSize, Optional.empty()));
      }
      Optional<Frames> frames = frames(look.header().get(), look.checkpoint().mxFrame());
      if (frames.isPresent()) {
        return Optional.of(
            look.checkpoint().isComplete()
                ? ofFile(pageSize, Optional.of(frames.get().end()))
                : ofBoth(pageSize, frames.get()));
      }
    }
    throw new IOException("the WAL was reset at each of " + TRIES + " tries to read it");
  }

  /** Returns nothing if the WAL was reset meanwhile. */
  private Optional<Frames> frames(WalHeader header, long mxFrame) throws IOException {
    FrameReader reader = wal.frames(header.start(), header.pageSize(), mxFrame, buffer);
    Map<Long, Long> byPgno = new HashMap<>();
    while (reader.next()) {
      long first = reader.lastFrame() - reader.count() + 1;
      for (int i = 0; i < reader.count(); i++) {
        byPgno.put(reader.pgno(i), first + i);
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

  private Image ofFile(int pageSize, Optional<WalPosition> end) throws IOException {
    long commit = database.pages(pageSize);
    return new Image(pageSize, commit, end, file -> write(file, pageSize, commit, Map.of()));
  }

  private Image ofBoth(int pageSize, Frames frames) {
    return new Image(
        pageSize,
        frames.commit(),
        Optional.of(frames.end()),
        file -> write(file, pageSize, frames.commit(), frames.byPgno()));
  }

  private void write(LtxEncoder file, int pageSize, long commit, Map<Long, Long> byPgno)
      throws IOException {
    ByteBuffer page = ByteBuffer.allocate(pageSize);
    for (long pgno = 1; pgno <= commit; pgno++) {
      if (DatabaseFile.isLockPage(pgno, pageSize)) {
        continue;
      }
      Long frame = byPgno.get(pgno);
      if (frame == null) {
        database.read(pgno, page);
      } else {
        read(WalFrame.offset(frame, pageSize) + WalFrame.HEADER_BYTES, page);
      }
      file.page(pgno, page.array());
    }
  }

  private void read(long offset, ByteBuffer page) throws IOException {
    page.clear();
    while (page.hasRemaining()) {
      if (walFile.read(page, offset + page.position()) < 0) {
        throw new EOFException("the WAL ends at " + walFile.size() + ", a frame was to be read");
      }
    }
  }
}
