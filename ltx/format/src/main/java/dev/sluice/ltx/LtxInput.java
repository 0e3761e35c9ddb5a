package dev.sluice.ltx;

import java.io.Closeable;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;

/**
 * The bytes of an LTX file in order, with the CRC of those that its checksum covers. As {@link
 * FrameBytes} it is the frame that starts at its position. The buffer grows with the file up to a
 * limit, because of a thousand inputs of one compaction most are small. Confined to one thread at a
 * time.
 */
final class LtxInput implements FrameBytes<IOException>, Closeable {
  private static final int BUFFER_BYTES_MIN = 1 << 13;
  private static final int BUFFER_BYTES_MAX = 1 << 16;

  private final InputStream in;
  private final String file;
  private final int bufferBytesMax;
  private final Crc64 crc = new Crc64();
  private byte[] buffer = {};
  private long position;

  /** What was taken from here to {@link #start} is still to go into the CRC. */
  private int uncounted;

  private int start;
  private int end;
  private boolean isEnded;

  LtxInput(InputStream in, String file) {
    this(in, file, BUFFER_BYTES_MAX);
  }

  /**
   * @param bufferBytesMax how many bytes are read ahead at most; a frame that is longer gets its
   *     room
   */
  LtxInput(InputStream in, String file, int bufferBytesMax) {
    this.in = in;
    this.file = file;
    this.bufferBytesMax = bufferBytesMax;
  }

  /** Returns how many bytes were taken or skipped. */
  long position() {
    return position;
  }

  /**
   * Reads until the buffer is full or the file has ended, and in the latter case closes the stream:
   * a small file holds no descriptor while others are read.
   */
  void fill() throws IOException {
    while (!isEnded && end - start < bufferBytesMax) {
      makeRoom(end - start + 1);
      read();
    }
    if (isEnded) {
      in.close();
    }
  }

  @Override
  public int require(int at, int count) throws IOException {
    int needed = Math.addExact(at, count);
    while (end - start < needed) {
      makeRoom(needed);
      read();
      if (isEnded) {
        throw new LtxFormatException(file, position + (end - start), "the file ends too early");
      }
    }
    return start + at;
  }

  private void read() throws IOException {
    int read = isEnded ? -1 : in.read(buffer, end, buffer.length - end);
    if (read < 0) {
      isEnded = true;
    } else {
      end += read;
    }
  }

  /** Makes room for {@code needed} bytes from the position on: more than are there. */
  private void makeRoom(int needed) {
    if (start + needed <= buffer.length) {
      return;
    }
    count();
    int wanted = Math.min(Math.max(buffer.length * 2, BUFFER_BYTES_MIN), bufferBytesMax);
    int length = Math.max(Math.max(needed, wanted), buffer.length);
    byte[] to = length == buffer.length ? buffer : new byte[length];
    System.arraycopy(buffer, start, to, 0, end - start);
    buffer = to;
    end -= start;
    start = 0;
    uncounted = 0;
  }

  @Override
  public byte[] array() {
    return buffer;
  }

  @Override
  public String file() {
    return file;
  }

  @Override
  public long fileOffset() {
    return position;
  }

  /**
   * Takes {@code count} bytes into the checksum and returns a view of them, valid until the next
   * call.
   */
  ByteBuffer take(int count) throws IOException {
    int index = require(0, count);
    start += count;
    position += count;
    return ByteBuffer.wrap(buffer, index, count);
  }

  /** Brings the CRC up to what was taken: in long pieces, not number by number. */
  private void count() {
    crc.update(buffer, uncounted, start - uncounted);
    uncounted = start;
  }

  /** Passes over bytes that were required before and that the checksum does not cover. */
  void skip(int count) {
    count();
    start += count;
    uncounted = start;
    position += count;
  }

  /** Takes an unsigned LEB128 number into the checksum. */
  long takeVarint() throws IOException {
    int index = require(0, Varints.MAX_BYTES);
    ByteBuffer number = ByteBuffer.wrap(buffer, index, Varints.MAX_BYTES);
    long value = Varints.read(number, position, file);
    take(number.position() - index);
    return value;
  }

  /**
   * Returns the CRC of what was taken; what is not in the stream as the checksum sees it is added
   * here.
   */
  Crc64 crc() {
    count();
    return crc;
  }

  boolean atEnd() throws IOException {
    return end == start && (isEnded || in.read() < 0);
  }

  @Override
  public void close() throws IOException {
    in.close();
  }
}
