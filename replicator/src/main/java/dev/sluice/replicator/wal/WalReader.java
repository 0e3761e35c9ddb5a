package dev.sluice.replicator.wal;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.util.Optional;

/**
 * A database's {@code -wal} file, read beside the application that writes it.
 *
 * <p>Whoever reads frames has asked SQLite how far (mxFrame) between two looks at the header that
 * found the same salts: a commit frame may be on disk whose writer then fails. This file carries no
 * locks, so its descriptor may be opened and closed at any time; the channel is the caller's.
 * Confined to one thread at a time.
 */
public final class WalReader {
  private final FileChannel channel;
  private final String file;

  /**
   * @param channel the {@code -wal} file, open for reading
   * @param file how it is named in messages
   */
  public WalReader(FileChannel channel, String file) {
    this.channel = channel;
    this.file = file;
  }

  /**
   * Returns the header as it is now; empty if the file ends before it does, as after a truncating
   * checkpoint.
   *
   * @throws WalFormatException if the bytes there are no header
   */
  public Optional<WalHeader> header() throws IOException {
    ByteBuffer bytes = read(0, WalHeader.BYTES);
    return bytes.hasRemaining()
        ? Optional.empty()
        : Optional.of(WalHeader.parse(bytes.flip(), file));
  }

  /** Returns a buffer that is full unless the file ends early. */
  private ByteBuffer read(long offset, int count) throws IOException {
    ByteBuffer bytes = ByteBuffer.allocate(count);
    while (bytes.hasRemaining()) {
      if (channel.read(bytes, offset + bytes.position()) < 0) {
        break;
      }
    }
    return bytes;
  }

  /**
   * Returns the frames after {@code from}.
   *
   * @param pageSize the page size that is expected
   * @param mxFrame the last frame to read; nothing behind it is looked at
   * @param buffer for one batch, as in {@link FrameReader}
   */
  public FrameReader frames(WalPosition from, int pageSize, long mxFrame, ByteBuffer buffer)
      throws IOException {
    Look look = look(from, pageSize, mxFrame);
    long offset = WalFrame.offset(from.frame() + 1, pageSize);
    FrameRun run = new FrameRun(channel, offset, from, pageSize, look.order());
    return look.refusal().isPresent()
        ? FrameReader.ended(run, buffer, look.refusal().get())
        : new FrameReader(
            run, mxFrame, buffer, found -> look(from, pageSize, mxFrame).refusal().orElse(found));
  }

  /**
   * Looks whether the frame at a position is in the file and has the running checksum that the
   * position says: {@link WalEnd.Reached}, or why not. The page is read as well, not only the
   * frame's own word.
   *
   * @param mxFrame the WAL's last frame: a frame behind it proves nothing, for those before it may
   *     be others by now
   * @param buffer for one frame, as in {@link FrameReader}
   */
  public WalEnd prove(WalPosition position, int pageSize, long mxFrame, ByteBuffer buffer)
      throws IOException {
    Look look = look(position, pageSize, mxFrame);
    if (look.refusal().isPresent() || position.frame() == 0) {
      return look.refusal().orElse(new WalEnd.Reached());
    }
    ByteBuffer checksum = read(checksumOffset(position.frame() - 1, pageSize), Long.BYTES);
    if (checksum.hasRemaining()) {
      return new WalEnd.EndOfFile(position.frame(), channel.size());
    }
    WalPosition before =
        new WalPosition(position.salts(), position.frame() - 1, checksum.getLong(0));
    FrameReader reader = frames(before, pageSize, position.frame(), buffer);
    boolean isThere = reader.next();
    reader.next();
    return isThere && reader.lastChecksum() != position.checksum()
        ? new WalEnd.Unverified(position.frame(), WalEnd.Fault.CHECKSUM)
        : reader.end();
  }

  /**
   * Returns whether a frame of the header's generation stands behind a position, or anywhere if the
   * position is of another one. It counts when its writer commits, which need not change the file
   * any more: after the last frame it waits for the disk, and only then tells the index. What was
   * rolled back stands there as well, until it is written over.
   */
  public boolean hasFrameBehind(Optional<WalPosition> position) throws IOException {
    Optional<WalHeader> header;
    try {
      header = header();
    } catch (WalFormatException e) {
      return false; // whoever has frames behind it writes it anew
    }
    if (header.isEmpty()) {
      return false;
    }
    WalSalts salts = header.get().salts();
    WalPosition last = position.filter(it -> it.salts().equals(salts)).orElse(header.get().start());
    ByteBuffer next =
        read(WalFrame.offset(last.frame() + 1, header.get().pageSize()), WalFrame.HEADER_BYTES);
    return !next.hasRemaining()
        && new WalSalts(next.getInt(WalFrame.AT_SALT1), next.getInt(WalFrame.AT_SALT2))
            .equals(salts);
  }

  /** Returns where the running checksum after a frame stands: in the header after none. */
  private static long checksumOffset(long frame, int pageSize) {
    return frame == 0
        ? WalHeader.AT_CHECKSUM
        : WalFrame.offset(frame, pageSize) + WalFrame.AT_CHECKSUM;
  }

  /**
   * What the header says now to somebody who is in a generation.
   *
   * @param refusal why frames of that generation cannot be read; empty if they can
   * @param order of the checksums
   */
  private record Look(Optional<WalEnd> refusal, ByteOrder order) {
    static Look refused(WalEnd why) {
      return new Look(Optional.of(why), ByteOrder.BIG_ENDIAN);
    }
  }

  private Look look(WalPosition at, int pageSize, long mxFrame) throws IOException {
    Optional<WalHeader> header;
    try {
      header = header();
    } catch (WalFormatException e) {
      return Look.refused(new WalEnd.MalformedHeader(e.rule()));
    }
    if (header.isEmpty()) {
      return Look.refused(new WalEnd.EndOfFile(at.frame() + 1, channel.size()));
    }
    WalHeader now = header.get();
    boolean isSameStart = at.frame() > 0 || now.checksum() == at.checksum();
    if (!now.salts().equals(at.salts()) || !isSameStart) {
      return Look.refused(new WalEnd.OtherGeneration(now));
    }
    if (now.pageSize() != pageSize) {
      return Look.refused(new WalEnd.OtherPageSize(now));
    }
    return mxFrame < at.frame()
        ? Look.refused(new WalEnd.Behind(mxFrame))
        : new Look(Optional.empty(), now.order());
  }
}
