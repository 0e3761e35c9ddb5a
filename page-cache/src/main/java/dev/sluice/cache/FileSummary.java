package dev.sluice.cache;

import dev.sluice.ltx.LtxDecoder;
import dev.sluice.ltx.LtxFormatException;
import dev.sluice.ltx.LtxHeader;
import dev.sluice.ltx.PageFrame;
import dev.sluice.ltx.PageIndex;
import dev.sluice.storage.LtxFile;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.Arrays;

/**
 * Header and page index of one file, checked against each other and against its listing. Immutable.
 *
 * @param bytes both as the file has them: the header, then everything from the index, or the mark
 *     before it, to the end
 */
@SuppressWarnings("ArrayRecordComponent") // compared by nobody
record FileSummary(LtxHeader header, PageIndex index, byte[] bytes) {

  /** Reads a whole file and verifies all of it. */
  static FileSummary ofWhole(byte[] content, LtxFile file, String name) throws IOException {
    try (LtxDecoder decoder = new LtxDecoder(new ByteArrayInputStream(content), name)) {
      requireListed(decoder.header(), file, name);
      while (decoder.next()) {
        // Each page is checked on the way to the file's checksum.
      }
      decoder.finish();
      PageIndex index = decoder.index();
      int at = (int) index.indexOffset();
      byte[] bytes = Arrays.copyOf(content, LtxHeader.BYTES + content.length - at);
      System.arraycopy(content, at, bytes, LtxHeader.BYTES, content.length - at);
      return new FileSummary(decoder.header(), index, bytes);
    }
  }

  /**
   * Reads a file by its ends.
   *
   * @param head at least its first 100 bytes
   * @param before what stands before {@code tail}; empty, or from the index on
   * @param tail its end, with {@code before} at least from the index on
   */
  static FileSummary ofEnds(byte[] head, byte[] before, byte[] tail, LtxFile file, String name)
      throws LtxFormatException {
    long indexBytes = PageIndex.indexBytesFrom(ByteBuffer.wrap(tail), file.size(), name);
    int ownBytes = (int) Math.min(tail.length, PageFrame.HEADER_BYTES + indexBytes);
    byte[] bytes = Arrays.copyOf(head, LtxHeader.BYTES + before.length + ownBytes);
    System.arraycopy(before, 0, bytes, LtxHeader.BYTES, before.length);
    System.arraycopy(tail, tail.length - ownBytes, bytes, bytes.length - ownBytes, ownBytes);
    return ofBytes(bytes, file, name);
  }

  /**
   * Reads what {@link #bytes} gave, and keeps it.
   *
   * @param bytes the header, then everything from the index or the mark before it to the end;
   *     nobody changes them later
   */
  static FileSummary ofBytes(byte[] bytes, LtxFile file, String name) throws LtxFormatException {
    LtxHeader header = LtxHeader.parse(ByteBuffer.wrap(bytes), name);
    requireListed(header, file, name);
    ByteBuffer tail = ByteBuffer.wrap(bytes, LtxHeader.BYTES, bytes.length - LtxHeader.BYTES);
    PageIndex index = PageIndex.parse(tail, file.size(), name);
    index.requireFits(header, name);
    return new FileSummary(header, index, bytes);
  }

  /** Returns what tells this file from another of the same name. */
  Fingerprints.Fingerprint fingerprint() {
    ByteBuffer trailer = ByteBuffer.wrap(bytes, bytes.length - Long.BYTES, Long.BYTES);
    return new Fingerprints.Fingerprint(header.timestampMillis(), trailer.getLong());
  }

  private static void requireListed(LtxHeader header, LtxFile file, String name)
      throws LtxFormatException {
    if (!header.range().equals(file.name().range())) {
      throw new LtxFormatException(
          name, 16, "the header's TXIDs " + header.range() + " are not those of the name");
    }
  }
}
