package dev.sluice.ltx;

import java.util.Objects;

/** Where one decoded page goes: {@code size} bytes of an array that the caller owns. */
record PageSlot(byte[] bytes, int offset, int size) {
  PageSlot {
    Objects.checkFromIndexSize(offset, size, bytes.length);
  }
}
