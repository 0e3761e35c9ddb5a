package dev.sluice.ltx;

import java.util.Objects;

/** Where one decoded page goes: a part of an array that the caller owns. */
final class PageSlot {
  private final byte[] bytes;
  private final int offset;
  private final int size;

  PageSlot(byte[] bytes, int offset, int size) {
    Objects.checkFromIndexSize(offset, size, bytes.length);
    this.bytes = bytes;
    this.offset = offset;
    this.size = size;
  }

  /** Returns the array itself. */
  byte[] bytes() {
    return bytes;
  }

  /** Returns where in the array the page starts. */
  int offset() {
    return offset;
  }

  /** Returns the page size. */
  int size() {
    return size;
  }
}
