package dev.sluice.ltx;

/**
 * Where pages are decoded to, one after the other, and their CRC is taken. Changes with each page;
 * confined to one thread at a time.
 */
final class DecodedPage {
  private final PageSlot slot;
  private final Crc64 crc = new Crc64();

  DecodedPage(int pageSize) {
    slot = new PageSlot(new byte[pageSize], 0, pageSize);
  }

  PageSlot slot() {
    return slot;
  }

  /** Returns the page: page size bytes, overwritten by the next one. */
  byte[] bytes() {
    return slot.bytes();
  }

  /** Returns the CRC-64/ISO of the page that is here now. */
  long crc() {
    crc.reset();
    crc.update(slot.bytes(), slot.offset(), slot.size());
    return crc.value();
  }
}
