package dev.sluice.cache;

import dev.sluice.ltx.LtxDecoder;
import dev.sluice.ltx.LtxFormatException;
import dev.sluice.ltx.LtxHeader;
import dev.sluice.ltx.PageIndex;
import dev.sluice.storage.LtxFile;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.Arrays;

/**
 * Header and page index of one file, checked against each other and against its listing. Immutable.
 *
 * @param bytes both as the file has them: the header, then everything from the index to the end
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
      byte[] tail = Arrays.copyOfRange(content, (int) index.indexOffset(), content.length);
      return new FileSummary(decoder.header(), index, joined(content, tail));
    }
  }

  /**
   * Reads a file by its ends.
   *
   * @param head at least its first 100 bytes
   * @param tail its end, at least from the index on
   */
  static FileSummary ofEnds(byte[] head, byte[] tail, LtxFile file, String name)
      throws LtxFormatException {
    LtxHeader header = LtxHeader.parse(ByteBuffer.wrap(head), name);
    requireListed(header, file, name);
    PageIndex index = PageIndex.parse(ByteBuffer.wrap(tail), file.size(), name);
    index.requireFits(header, name);
    int indexBytes = (int) (file.size() - index.indexOffset());
    byte[] end = Arrays.copyOfRange(tail, tail.length - indexBytes, tail.length);
    return new FileSummary(header, index, joined(head, end));
  }

  /** Reads what {@link #bytes} gave. */
  static FileSummary ofBytes(byte[] bytes, LtxFile file, String name) throws LtxFormatException {
    return ofEnds(bytes, Arrays.copyOfRange(bytes, LtxHeader.BYTES, bytes.length), file, name);
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

  private static byte[] joined(byte[] head, byte[] tail) {
    byte[] both = Arrays.copyOf(head, LtxHeader.BYTES + tail.length);
    System.arraycopy(tail, 0, both, LtxHeader.BYTES, tail.length);
    return both;
  }
}
