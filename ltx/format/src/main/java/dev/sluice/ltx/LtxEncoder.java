package dev.sluice.ltx;

import java.io.Closeable;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.ByteBuffer;

/**
 * Writes one LTX file: the header, a sized frame a page, the index and the trailer.
 *
 * <p>What was written is an LTX file only after {@link #finish()}; one that is closed before lacks
 * its end, and every reader refuses it. Confined to one thread at a time.
 */
public final class LtxEncoder implements Closeable {
  private static final int INDEX_ENTRY_MAX_BYTES = 3 * Varints.MAX_BYTES;
  private static final int INDEX_BUFFER_BYTES = 8192;

  private final OutputStream out;
  private final LtxHeader header;
  private final PageOrder order;
  private final PageIndexBuilder frames = new PageIndexBuilder(0);
  private final Crc64 crc = new Crc64();
  private final byte[] frame;
  private boolean isOpen = true;

  /**
   * Writes the header.
   *
   * @param out gets one write a page, and is closed by {@link #close()}
   */
  public LtxEncoder(OutputStream out, LtxHeader header) throws IOException {
    this.out = out;
    this.header = header;
    this.order = new PageOrder(header);
    this.frame = new byte[PageFrame.maxBytes(header.pageSize())];
    byte[] bytes = new byte[LtxHeader.BYTES];
    header.write(ByteBuffer.wrap(bytes));
    crc.update(bytes, 0, bytes.length);
    out.write(bytes);
  }

  /**
   * Writes the next page.
   *
   * @param pgno greater than that of the page before, at most commit, never the lock page; in a
   *     snapshot no page may be left out
   * @param page exactly page size bytes
   * @throws IllegalArgumentException if the format forbids this page here
   */
  public void page(long pgno, byte[] page) throws IOException {
    requireOpen();
    if (page.length != header.pageSize()) {
      throw new IllegalArgumentException(
          "a page of " + page.length + " bytes, the page size is " + header.pageSize());
    }
    order.next(pgno);
    int length = Lz4.compress(page, frame, PageFrame.SIZED_HEADER_BYTES);
    ByteBuffer.wrap(frame).putInt((int) pgno).putShort((short) PageFrame.FLAG_SIZE).putInt(length);
    crc.update(frame, 0, PageFrame.SIZED_HEADER_BYTES);
    crc.update(page, 0, page.length);
    out.write(frame, 0, PageFrame.SIZED_HEADER_BYTES + length);
    frames.add(pgno, PageFrame.SIZED_HEADER_BYTES + length);
  }

  /** Ends a file without database checksums, and flushes the stream. */
  public LtxTrailer finish() throws IOException {
    return finish(0);
  }

  /**
   * Writes the end of the file and flushes the stream.
   *
   * @param postApplyChecksum the database checksum after this file; 0 if the header says that there
   *     are none
   * @throws IllegalArgumentException if a snapshot lacks a page, or the checksum is not what the
   *     header announces
   */
  public LtxTrailer finish(long postApplyChecksum) throws IOException {
    requireOpen();
    order.end();
    if (header.hasChecksums() == (postApplyChecksum == 0)) {
      throw new IllegalArgumentException(
          "post-apply checksum "
              + Long.toHexString(postApplyChecksum)
              + " under header flags "
              + header.flags());
    }
    isOpen = false;
    write(new byte[PageFrame.HEADER_BYTES], PageFrame.HEADER_BYTES);
    writeIndex(frames.build());
    byte[] bytes = new byte[LtxTrailer.BYTES];
    ByteBuffer.wrap(bytes).putLong(postApplyChecksum);
    crc.update(bytes, 0, LtxTrailer.AT_FILE_CHECKSUM);
    LtxTrailer trailer = new LtxTrailer(postApplyChecksum, Checksums.FLAG | crc.value());
    trailer.write(ByteBuffer.wrap(bytes));
    out.write(bytes);
    out.flush();
    return trailer;
  }

  private void writeIndex(PageIndex index) throws IOException {
    byte[] bytes = new byte[INDEX_BUFFER_BYTES];
    long length = 0;
    int at = 0;
    for (int i = 0; i < index.count(); i++) {
      at = Varints.write(index.pgno(i), bytes, at);
      at = Varints.write(index.offset(i), bytes, at);
      at = Varints.write(index.frameBytes(i), bytes, at);
      if (at > bytes.length - INDEX_ENTRY_MAX_BYTES) {
        write(bytes, at);
        length += at;
        at = 0;
      }
    }
    at = Varints.write(0, bytes, at);
    length += at;
    ByteBuffer.wrap(bytes).putLong(at, length);
    write(bytes, at + Long.BYTES);
  }

  private void write(byte[] bytes, int count) throws IOException {
    crc.update(bytes, 0, count);
    out.write(bytes, 0, count);
  }

  /** Returns the index of the pages written so far. */
  public PageIndex index() {
    return frames.build();
  }

  private void requireOpen() {
    if (!isOpen) {
      throw new IllegalStateException("the file is finished");
    }
  }

  @Override
  public void close() throws IOException {
    isOpen = false;
    out.close();
  }
}
