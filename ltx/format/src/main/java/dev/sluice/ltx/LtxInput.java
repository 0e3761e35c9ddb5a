package dev.sluice.ltx;

import java.io.Closeable;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.util.Arrays;

/**
 * The bytes of an LTX file in order, with the CRC of those that its checksum covers. As {@link
 * FrameBytes} it is the frame that starts at its position. Confined to one thread at a time.
 */
final class LtxInput implements FrameBytes<IOException>, Closeable {
  private static final int BUFFER_BYTES = 1 << 16;

  private final InputStream in;
  private final String file;
  private final Crc64 crc = new Crc64();
  private byte[] buffer = new byte[BUFFER_BYTES];
  private long position;
  private int start;
  private int end;

  LtxInput(InputStream in, String file) {
    this.in = in;
    this.file = file;
  }

  /** Returns how many bytes were taken or skipped. */
  long position() {
    return position;
  }

  @Override
  public int require(int at, int count) throws IOException {
    int needed = Math.addExact(at, count);
    while (end - start < needed) {
      makeRoom(needed);
      int read = in.read(buffer, end, buffer.length - end);
      if (read < 0) {
        throw new LtxFormatException(file, position + (end - start), "the file ends too early");
      }
      end += read;
    }
    return start + at;
  }

  private void makeRoom(int needed) {
    if (start + needed > buffer.length) {
      System.arraycopy(buffer, start, buffer, 0, end - start);
      end -= start;
      start = 0;
      if (needed > buffer.length) {
        buffer = Arrays.copyOf(buffer, Math.max(needed, buffer.length * 2));
      }
    }
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
    crc.update(buffer, index, count);
    skip(count);
    return ByteBuffer.wrap(buffer, index, count);
  }

  /** Passes over bytes that were required before and that the checksum does not cover. */
  void skip(int count) {
    start += count;
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
    return crc;
  }

  boolean atEnd() throws IOException {
    return end == start && in.read() < 0;
  }

  @Override
  public void close() throws IOException {
    in.close();
  }
}
