package dev.sluice.ltx;

import java.nio.ByteBuffer;

/** Makes sized frames, one after the other in one array. Confined to one thread at a time. */
final class FrameEncoder {
  private final byte[] frame;

  FrameEncoder(int pageSize) {
    frame = new byte[PageFrame.maxBytes(pageSize)];
  }

  /** Makes the frame of a page and returns its size; it stands at the start of {@link #array()}. */
  int encode(long pgno, byte[] page) {
    int length = Lz4.compress(page, frame, PageFrame.SIZED_HEADER_BYTES);
    ByteBuffer.wrap(frame).putInt((int) pgno).putShort((short) PageFrame.FLAG_SIZE).putInt(length);
    return PageFrame.SIZED_HEADER_BYTES + length;
  }

  byte[] array() {
    return frame;
  }
}
