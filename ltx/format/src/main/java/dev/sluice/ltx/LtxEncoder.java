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
  private final OutputStream out;
  private final LtxHeader header;
  private final LtxWriter writer;
  private final FrameEncoder frames;
  private final Crc64 pageCrc = new Crc64();
  private boolean isOpen = true;

  /**
   * Writes the header.
   *
   * @param out gets one write a page, and is closed by {@link #close()}
   */
  public LtxEncoder(OutputStream out, LtxHeader header) throws IOException {
    this.out = out;
    this.header = header;
    this.writer = new LtxWriter(out, header);
    this.frames = new FrameEncoder(header.pageSize());
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
    int frameBytes = frames.encode(pgno, page);
    pageCrc.reset();
    pageCrc.update(page, 0, page.length);
    writer.frame(pgno, ByteBuffer.wrap(frames.array(), 0, frameBytes), pageCrc.value());
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
    writer.requireEnd(postApplyChecksum);
    isOpen = false;
    return writer.finish(postApplyChecksum);
  }

  /** Returns the index of the pages written so far. */
  public PageIndex index() {
    return writer.index();
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
