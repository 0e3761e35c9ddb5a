package dev.sluice.ltx;

import java.nio.ByteBuffer;

/**
 * Both ends of one file, checked against each other: header, page index and trailer; and with them
 * the proof of the whole file once its frames were decoded, by whomever and in whatever order.
 *
 * <p>It holds no bytes of the file, only their checksums. Immutable.
 */
public final class LtxEnds {
  private static final byte[] END_MARK = new byte[PageFrame.HEADER_BYTES];

  private final String name;
  private final LtxHeader header;
  private final PageIndex index;
  private final LtxTrailer trailer;
  private final long trailerOffset;

  /** Of the header. */
  private final long headCrc;

  /** Of all from the end mark on that the file checksum covers. */
  private final long tailCrc;

  private final long tailBytes;

  private LtxEnds(
      LtxHeader header, PageIndex index, ByteBuffer head, ByteBuffer tail, long size, String name)
      throws LtxFormatException {
    this.name = name;
    this.header = header;
    this.index = index;
    this.trailerOffset = size - LtxTrailer.BYTES;
    this.headCrc = crc(head.slice(head.position(), LtxHeader.BYTES), new Crc64());
    int indexAndPostApplyBytes = (int) (size - Long.BYTES - index.indexOffset());
    ByteBuffer end = tail.slice();
    this.trailer =
        LtxTrailer.parse(
            end.slice(end.limit() - LtxTrailer.BYTES, LtxTrailer.BYTES), trailerOffset, name);
    trailer.requireFits(header, trailerOffset, name);
    Crc64 crc = new Crc64();
    crc.update(END_MARK, 0, END_MARK.length);
    this.tailBytes = (long) END_MARK.length + indexAndPostApplyBytes;
    this.tailCrc =
        crc(
            end.slice(end.limit() - Long.BYTES - indexAndPostApplyBytes, indexAndPostApplyBytes),
            crc);
  }

  private static long crc(ByteBuffer bytes, Crc64 crc) {
    crc.update(bytes);
    return crc.value();
  }

  /**
   * Reads both ends of a file.
   *
   * @param head its first bytes, from position to limit; at least 100 if it has so many
   * @param tail its last bytes, from position to limit; at least as many as {@link
   *     PageIndex#indexBytesFrom} says
   * @param name how the file is named in messages
   * @throws LtxFormatException if header, index or trailer break a rule or do not fit each other
   */
  public static LtxEnds parse(ByteBuffer head, ByteBuffer tail, long size, String name)
      throws LtxFormatException {
    LtxHeader header = LtxHeader.parse(head.duplicate(), name);
    PageIndex index = PageIndex.parse(tail, size, name);
    index.requireFits(header, name);
    return new LtxEnds(header, index, head, tail, size, name);
  }

  /** Returns how the file is named in messages. */
  public String name() {
    return name;
  }

  public LtxHeader header() {
    return header;
  }

  public PageIndex index() {
    return index;
  }

  public LtxTrailer trailer() {
    return trailer;
  }

  /** Returns whether the file itself says all that its database checksum is made of. */
  boolean hasProvableDatabase() {
    return header.hasChecksums() && header.isSnapshot();
  }

  /**
   * Checks the mark that ends the frames; to be done once for each file.
   *
   * @param src bytes of the file, the mark's from {@code offset} on
   */
  public void requireEndMark(byte[] src, int offset) throws LtxFormatException {
    for (int i = 0; i < PageFrame.HEADER_BYTES; i++) {
      if (src[offset + i] != 0) {
        throw new LtxFormatException(
            name,
            index.indexOffset() - PageFrame.HEADER_BYTES + i,
            "the mark that ends the frames is not zero");
      }
    }
  }

  /**
   * Verifies the file by its checksum, and by its database checksum where it proves one. The end
   * mark has been checked.
   *
   * @param frames the sum of all its frames
   * @throws LtxFormatException if the file is damaged
   */
  public void prove(FrameSum frames) throws LtxFormatException {
    if (frames.count() != index.count()) {
      throw new IllegalArgumentException(
          "the sum of " + frames.count() + " frames of " + index.count());
    }
    long crc = Crc64.combine(headCrc, frames.crc(), frames.bytes());
    long checksum = Checksums.FLAG | Crc64.combine(crc, tailCrc, tailBytes);
    if (trailer.fileChecksum() != checksum) {
      throw new LtxFormatException(
          name,
          trailerOffset + LtxTrailer.AT_FILE_CHECKSUM,
          "the file is damaged: its checksum is "
              + Long.toHexString(checksum)
              + ", it says "
              + Long.toHexString(trailer.fileChecksum()));
    }
    long databaseChecksum = Checksums.FLAG | frames.databaseChecksum();
    if (hasProvableDatabase() && trailer.postApplyChecksum() != databaseChecksum) {
      throw new LtxFormatException(
          name,
          trailerOffset,
          "the database checksum of the pages is "
              + Long.toHexString(databaseChecksum)
              + ", not "
              + Long.toHexString(trailer.postApplyChecksum()));
    }
  }
}
