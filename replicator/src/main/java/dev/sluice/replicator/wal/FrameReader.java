package dev.sluice.replicator.wal;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Optional;

/**
 * Reads a run of frames in batches, and proves each frame by its salts and the running checksum.
 *
 * <p>A batch is as many frames as the buffer holds, in one read, so memory does not grow with a
 * transaction. A frame that is handed out is proved to be of its generation, not to be committed:
 * only those up to {@link #position} are, and a caller that has taken more when {@link #next} says
 * that there is nothing more gives the rest back. Not for deciding how far a WAL may be read: that
 * is the limit, and who reads a WAL has it from SQLite. Confined to one thread at a time.
 */
public final class FrameReader {

  /** The least size of a buffer: one frame of the largest page. */
  public static final int BUFFER_BYTES_MIN = WalFrame.HEADER_BYTES + 65_536;

  private final FrameRun run;
  private final long limit;
  private final ByteBuffer buffer;
  private final ByteBuffer summed;
  private final Check check;
  private final int frameBytes;

  /** The running checksum and the last frame of all batches so far. */
  private long checksum;

  private long frame;

  private int count;
  private WalPosition position;
  private long commit;
  private Optional<WalEnd> end = Optional.empty();

  /** Looks again at why no more frames come. */
  @FunctionalInterface
  interface Check {
    WalEnd look(WalEnd found) throws IOException;
  }

  /**
   * @param limit the last frame to read, at least that of {@code run.from()}
   * @param buffer for one batch, {@link #BUFFER_BYTES_MIN} bytes or more; a direct one spares a
   *     copy. The caller's again when {@link #next} has returned false
   */
  public FrameReader(FrameRun run, long limit, ByteBuffer buffer) {
    this(run, limit, buffer, found -> found);
  }

  FrameReader(FrameRun run, long limit, ByteBuffer buffer, Check check) {
    if (limit < run.from().frame() || limit > WalPosition.FRAME_MAX) {
      throw new IllegalArgumentException("limit " + limit + " for frames after " + run.from());
    }
    if (buffer.capacity() < BUFFER_BYTES_MIN) {
      throw new IllegalArgumentException("a buffer of " + buffer.capacity() + " bytes");
    }
    this.run = run;
    this.limit = limit;
    this.buffer = buffer.duplicate().order(ByteOrder.BIG_ENDIAN);
    this.summed = buffer.duplicate().order(run.order()).clear();
    this.check = check;
    this.frameBytes = WalFrame.bytes(run.pageSize());
    this.frame = run.from().frame();
    this.checksum = run.from().checksum();
    this.position = run.from();
  }

  /** Returns a reader of no frames. */
  static FrameReader ended(FrameRun run, ByteBuffer buffer, WalEnd end) {
    FrameReader reader = new FrameReader(run, run.from().frame(), buffer);
    reader.end = Optional.of(end);
    return reader;
  }

  /**
   * Reads the next batch and returns true, or returns false if {@link #end} is known.
   *
   * @throws IOException from the file, unchanged
   */
  public boolean next() throws IOException {
    count = 0;
    if (end.isPresent()) {
      return false;
    }
    long wanted = Math.min(limit - frame, buffer.capacity() / frameBytes);
    if (wanted == 0) {
      end = Optional.of(new WalEnd.Reached());
      return false;
    }
    int whole = fill((int) wanted * frameBytes) / frameBytes;
    Optional<WalEnd.Fault> fault = prove(whole);
    if (fault.isPresent()) {
      end = Optional.of(check.look(new WalEnd.Unverified(frame + 1, fault.get())));
    } else if (whole < wanted) {
      end = Optional.of(check.look(new WalEnd.EndOfFile(frame + 1, run.channel().size())));
    }
    buffer.clear().limit(count * frameBytes);
    return count > 0;
  }

  /** Returns how many bytes there are, up to those asked for. */
  private int fill(int bytes) throws IOException {
    long offset = run.offsetOf(frame + 1);
    buffer.clear().limit(bytes);
    while (buffer.hasRemaining()) {
      int read = run.channel().read(buffer, offset + buffer.position());
      if (read < 0) {
        break;
      }
    }
    return buffer.position();
  }

  /** Takes the frames of the buffer up to the first that does not verify. */
  private Optional<WalEnd.Fault> prove(int whole) {
    int salt1 = run.from().salts().salt1();
    int salt2 = run.from().salts().salt2();
    long sum = checksum;
    buffer.clear();
    for (int i = 0; i < whole; i++) {
      int at = i * frameBytes;
      if (buffer.getInt(at + WalFrame.AT_SALT1) != salt1
          || buffer.getInt(at + WalFrame.AT_SALT2) != salt2) {
        return Optional.of(WalEnd.Fault.SALTS);
      }
      sum = WalChecksum.update(sum, summed, at, WalFrame.SUMMED_BYTES);
      sum = WalChecksum.update(sum, summed, at + WalFrame.HEADER_BYTES, run.pageSize());
      if (buffer.getLong(at + WalFrame.AT_CHECKSUM) != sum) {
        return Optional.of(WalEnd.Fault.CHECKSUM);
      }
      if (buffer.getInt(at) == 0) {
        return Optional.of(WalEnd.Fault.PGNO);
      }
      take(sum, buffer.getInt(at + WalFrame.AT_COMMIT));
    }
    return Optional.empty();
  }

  private void take(long sum, int pages) {
    count++;
    frame++;
    checksum = sum;
    if (pages != 0) {
      commit = Integer.toUnsignedLong(pages);
      position = new WalPosition(run.from().salts(), frame, sum);
    }
  }

  /** Returns the run that is read. */
  public FrameRun run() {
    return run;
  }

  /** Returns how many frames the batch has; 0 once {@link #next} has returned false. */
  public int count() {
    return count;
  }

  /** Returns the last frame of the batch, or of the one before if it has none. */
  public long lastFrame() {
    return frame;
  }

  /** Returns the running checksum after {@link #lastFrame}. */
  long lastChecksum() {
    return checksum;
  }

  /**
   * Returns the batch as it is in the file: {@link #count} whole frames, from the buffer's position
   * to its limit. Overwritten by {@link #next}.
   */
  public ByteBuffer frames() {
    return buffer.duplicate();
  }

  /** Returns the pgno of a frame of the batch; the first is 0. */
  public long pgno(int index) {
    return Integer.toUnsignedLong(buffer.getInt(index * frameBytes));
  }

  /** Returns the place after the last commit of all batches so far; where it began if none. */
  public WalPosition position() {
    return position;
  }

  /** Returns the size of the database in pages at {@link #position}; 0 before the first commit. */
  public long commit() {
    return commit;
  }

  /** Returns why there are no more frames; may be called after {@link #next} has returned false. */
  public WalEnd end() {
    return end.orElseThrow(() -> new IllegalStateException("end() before the last batch"));
  }
}
