package dev.sluice.ltx;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.util.Random;
import java.util.SortedMap;
import java.util.TreeMap;

/** LTX files in memory, as the tests of the codec take and make them. */
final class LtxFiles {

  /** A file taken apart: page by pgno. */
  record Decoded(
      LtxHeader header, SortedMap<Long, byte[]> pages, PageIndex index, LtxTrailer trailer) {}

  private LtxFiles() {}

  static Decoded decode(byte[] bytes, String file) throws IOException {
    try (LtxDecoder decoder = new LtxDecoder(new ByteArrayInputStream(bytes), file)) {
      SortedMap<Long, byte[]> pages = new TreeMap<>();
      while (decoder.next()) {
        pages.put(decoder.pgno(), decoder.page().clone());
      }
      LtxTrailer trailer = decoder.finish();
      return new Decoded(decoder.header(), pages, decoder.index(), trailer);
    }
  }

  static byte[] encode(LtxHeader header, SortedMap<Long, byte[]> pages, long postApplyChecksum)
      throws IOException {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    try (LtxEncoder encoder = new LtxEncoder(out, header)) {
      for (var page : pages.entrySet()) {
        encoder.page(page.getKey(), page.getValue());
      }
      encoder.finish(postApplyChecksum);
    }
    return out.toByteArray();
  }

  static TxidRange range(long min, long max) {
    return new TxidRange(new Txid(min), new Txid(max));
  }

  /**
   * Returns pages that compress to different sizes: the first not at all, the last to almost
   * nothing.
   */
  static SortedMap<Long, byte[]> pages(long seed, int pageSize, long... pgnos) {
    Random random = new Random(seed);
    SortedMap<Long, byte[]> pages = new TreeMap<>();
    for (int i = 0; i < pgnos.length; i++) {
      byte[] page = new byte[pageSize];
      byte[] noise = new byte[pageSize - i * (pageSize / pgnos.length)];
      random.nextBytes(noise);
      System.arraycopy(noise, 0, page, 0, noise.length);
      pages.put(pgnos[i], page);
    }
    return pages;
  }

  static long databaseChecksum(SortedMap<Long, byte[]> pages) {
    long checksum = Checksums.EMPTY_DATABASE;
    for (var page : pages.entrySet()) {
      checksum = Checksums.toggle(checksum, Checksums.page(page.getKey(), page.getValue()));
    }
    return checksum;
  }
}
