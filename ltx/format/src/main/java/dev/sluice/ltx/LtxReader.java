package dev.sluice.ltx;

import java.io.Closeable;
import java.io.IOException;
import java.nio.ByteBuffer;

/**
 * The frames of one LTX file in order, and the checks of all that stands around them. Each frame is
 * announced by its pgno, decoded, and passed over; between the last two its bytes are there as they
 * are in the file. Memory does not grow with the file. Confined to one thread at a time.
 *
 * <p>Not for callers that lose their place: {@link #next()}, {@link #decode}, {@link #pass} must
 * come in this order, and {@link #finish()} once after the last.
 */
final class LtxReader implements Closeable {
  private final LtxInput in;
  private final LtxHeader header;
  private final PageOrder order;
  private final PageIndexSum frames = new PageIndexSum();
  private long pgno;
  private int frameBytes;
  private long databaseChecksum = Checksums.EMPTY_DATABASE;

  /**
   * Reads the header.
   *
   * @param in the file from its first byte; closed by {@link #close()}, and left open if this
   *     constructor throws
   */
  LtxReader(LtxInput in) throws IOException {
    this.in = in;
    this.header = LtxHeader.parse(in.take(LtxHeader.BYTES), in.file());
    this.order = new PageOrder(header);
  }

  LtxHeader header() {
    return header;
  }

  /** Returns whether there is another frame; the mark that ends the frames is passed over. */
  boolean next() throws IOException {
    int index = in.require(0, PageFrame.HEADER_BYTES);
    ByteBuffer bytes = ByteBuffer.wrap(in.array());
    pgno = Integer.toUnsignedLong(bytes.getInt(index));
    boolean isEnd = pgno == 0 && bytes.getShort(index + PageFrame.AT_FLAGS) == 0;
    try {
      if (isEnd) {
        order.end();
      } else {
        order.next(pgno);
      }
    } catch (FieldException e) {
      throw e.in(in.file(), in.position());
    }
    if (isEnd) {
      in.take(PageFrame.HEADER_BYTES);
    }
    return !isEnd;
  }

  /** Returns the page of the frame that {@link #next()} found. */
  long pgno() {
    return pgno;
  }

  /** Decodes the frame. */
  void decode(DecodedPage page) throws IOException {
    frameBytes = FrameDecoder.decode(in, page.slot());
  }

  /** Returns the array that holds the decoded frame, from {@link #frameOffset()} on. */
  byte[] array() {
    return in.array();
  }

  /** Returns where in {@link #array()} the decoded frame starts; void after {@link #pass}. */
  int frameOffset() throws IOException {
    return in.require(0, frameBytes);
  }

  /** Returns the size of the whole decoded frame. */
  int frameBytes() {
    return frameBytes;
  }

  /** Returns whether the decoded frame is of the kind that we write, not a legacy one. */
  boolean isSized() throws IOException {
    return in.array()[frameOffset() + PageFrame.AT_FLAGS + 1] == PageFrame.FLAG_SIZE;
  }

  /** Passes over the decoded frame, whose page has the given CRC. */
  void pass(long pageCrc) throws IOException {
    int headerBytes = isSized() ? PageFrame.SIZED_HEADER_BYTES : PageFrame.HEADER_BYTES;
    in.take(headerBytes);
    in.skip(frameBytes - headerBytes);
    in.crc().append(pageCrc, header.pageSize());
    frames.add(pgno, frameBytes);
    if (hasProvableChecksum()) {
      databaseChecksum =
          Checksums.toggle(databaseChecksum, Checksums.page(pgno, pageCrc, header.pageSize()));
    }
  }

  /** Returns whether the file itself says all that its database checksum is made of. */
  private boolean hasProvableChecksum() {
    return header.hasChecksums() && header.isSnapshot();
  }

  /**
   * Reads index and trailer, verifies the file and returns the trailer.
   *
   * @throws LtxFormatException if the file breaks a rule, does not match its checksum, or goes on
   *     after its trailer
   */
  LtxTrailer finish() throws IOException {
    long indexOffset = in.position();
    requireIndex(indexOffset);
    requireIndexLength(in.position() - indexOffset);
    LtxTrailer trailer = takeTrailer();
    if (!in.atEnd()) {
      throw broken(in.position(), "bytes after the trailer");
    }
    return trailer;
  }

  private void requireIndex(long indexOffset) throws IOException {
    PageIndexSum entries = new PageIndexSum();
    int maxBytes = PageFrame.maxBytes(header.pageSize());
    for (long start = in.position(), entry = in.takeVarint();
        entry != 0;
        start = in.position(), entry = in.takeVarint()) {
      if (entries.count() == frames.count()) {
        throw broken(start, "the page index has more entries than the file has frames");
      }
      boolean fits = entry <= LtxHeader.PGNO_MAX && in.takeVarint() == entries.end();
      long size = fits ? in.takeVarint() : 0;
      if (size < PageFrame.HEADER_BYTES || size > maxBytes) {
        throw broken(start, "the page index does not match the frame at " + entries.end());
      }
      entries.add(entry, (int) size);
    }
    if (!entries.isSameAs(frames)) {
      throw broken(
          indexOffset,
          "the page index of "
              + entries.count()
              + " entries does not match the "
              + frames.count()
              + " frames");
    }
  }

  private void requireIndexLength(long indexBytes) throws IOException {
    long start = in.position();
    long length = in.take(Long.BYTES).getLong();
    if (length != indexBytes) {
      throw broken(
          start,
          "a page index of " + indexBytes + " bytes says it has " + Long.toUnsignedString(length));
    }
  }

  private LtxTrailer takeTrailer() throws IOException {
    long start = in.position();
    in.require(0, LtxTrailer.BYTES);
    in.take(LtxTrailer.AT_FILE_CHECKSUM);
    long checksum = Checksums.FLAG | in.crc().value();
    int index = in.require(0, Long.BYTES);
    LtxTrailer trailer =
        LtxTrailer.parse(
            ByteBuffer.wrap(in.array(), index - LtxTrailer.AT_FILE_CHECKSUM, LtxTrailer.BYTES),
            start,
            in.file());
    in.skip(Long.BYTES);
    trailer.requireFits(header, start, in.file());
    requireChecksums(trailer, checksum, start);
    return trailer;
  }

  private void requireChecksums(LtxTrailer trailer, long checksum, long start)
      throws LtxFormatException {
    if (trailer.fileChecksum() != checksum) {
      throw broken(
          start + LtxTrailer.AT_FILE_CHECKSUM,
          "the file is damaged: its checksum is "
              + Long.toHexString(checksum)
              + ", it says "
              + Long.toHexString(trailer.fileChecksum()));
    }
    if (hasProvableChecksum() && trailer.postApplyChecksum() != databaseChecksum) {
      throw broken(
          start,
          "the database checksum of the pages is "
              + Long.toHexString(databaseChecksum)
              + ", not "
              + Long.toHexString(trailer.postApplyChecksum()));
    }
  }

  private LtxFormatException broken(long offset, String rule) {
    return new LtxFormatException(in.file(), offset, rule);
  }

  /** Returns how many bytes of the file were read and checked. */
  long position() {
    return in.position();
  }

  String file() {
    return in.file();
  }

  @Override
  public void close() throws IOException {
    in.close();
  }
}
