package dev.sluice.ltx;

import java.io.IOException;
import java.io.OutputStream;
import java.nio.ByteBuffer;

/**
 * Writes one LTX file from frames that are made already: header, frames, index, trailer. The file
 * checksum is made of the CRCs of the pages, so the pages themselves are not needed here. Memory
 * grows by the bytes of the page index. Confined to one thread at a time.
 */
final class LtxWriter {
  private final OutputStream out;
  private final LtxHeader header;
  private final PageOrder order;
  private final PageIndexBytes index = new PageIndexBytes();
  private final Crc64 crc = new Crc64();
  private long bytes;

  /** Writes the header; the stream is the caller's to close. */
  LtxWriter(OutputStream out, LtxHeader header) throws IOException {
    this.out = out;
    this.header = header;
    this.order = new PageOrder(header);
    byte[] array = new byte[LtxHeader.BYTES];
    header.write(ByteBuffer.wrap(array));
    write(ByteBuffer.wrap(array));
  }

  /**
   * Writes the sized frame of a page.
   *
   * @param frame where the frame stands, from position to limit of an array-backed buffer
   * @param pageCrc CRC-64/ISO of the page that the frame holds
   * @throws IllegalArgumentException if the format forbids this page here
   */
  void frame(long pgno, ByteBuffer frame, long pageCrc) throws IOException {
    order.next(pgno);
    int offset = frame.arrayOffset() + frame.position();
    crc.update(frame.array(), offset, PageFrame.SIZED_HEADER_BYTES);
    crc.append(pageCrc, header.pageSize());
    out.write(frame.array(), offset, frame.remaining());
    index.add(pgno, frame.remaining());
    bytes += frame.remaining();
  }

  /**
   * Checks that the file may end here.
   *
   * @throws IllegalArgumentException if a snapshot lacks a page, or the checksum is not what the
   *     header announces
   */
  void requireEnd(long postApplyChecksum) {
    order.end();
    if (header.hasChecksums() == (postApplyChecksum == 0)) {
      throw new IllegalArgumentException(
          "post-apply checksum "
              + Long.toHexString(postApplyChecksum)
              + " under header flags "
              + header.flags());
    }
  }

  /**
   * Writes the end of the file, if {@link #requireEnd} allows, and flushes the stream.
   *
   * @param postApplyChecksum the database checksum after this file; 0 if the header says that there
   *     are none
   */
  LtxTrailer finish(long postApplyChecksum) throws IOException {
    requireEnd(postApplyChecksum);
    write(ByteBuffer.allocate(PageFrame.HEADER_BYTES));
    writeIndex();
    byte[] array = new byte[LtxTrailer.BYTES];
    ByteBuffer.wrap(array).putLong(postApplyChecksum);
    crc.update(array, 0, LtxTrailer.AT_FILE_CHECKSUM);
    LtxTrailer trailer = new LtxTrailer(postApplyChecksum, Checksums.FLAG | crc.value());
    trailer.write(ByteBuffer.wrap(array));
    out.write(array);
    out.flush();
    bytes += array.length;
    return trailer;
  }

  private void writeIndex() throws IOException {
    long start = bytes;
    for (ByteBuffer entries : index.chunks()) {
      write(entries);
    }
    write(ByteBuffer.allocate(1));
    write(ByteBuffer.allocate(Long.BYTES).putLong(0, bytes - start));
  }

  private void write(ByteBuffer part) throws IOException {
    crc.update(part.array(), part.arrayOffset() + part.position(), part.remaining());
    out.write(part.array(), part.arrayOffset() + part.position(), part.remaining());
    bytes += part.remaining();
  }

  /** Returns how many bytes were written. */
  long bytes() {
    return bytes;
  }

  /** Returns how many pages were written. */
  long pageCount() {
    return index.count();
  }

  /** Returns the index of the pages written so far. */
  PageIndex index() {
    return index.build();
  }
}
