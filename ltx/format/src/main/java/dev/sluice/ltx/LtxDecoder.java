package dev.sluice.ltx;

import java.io.Closeable;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;

/**
 * Reads a whole LTX file as a stream and verifies all of it: every rule of the format, the page
 * index against the frames, the file checksum, and a snapshot's database checksum where it has one.
 *
 * <p>Nothing is proved before {@link #finish()} has returned; pages handed out earlier may be
 * damaged. Not for single pages of a large file: see {@link PageIndex} and {@link FrameDecoder}.
 * Confined to one thread at a time.
 */
public final class LtxDecoder implements Closeable {
  private final LtxInput in;
  private final String file;
  private final LtxHeader header;
  private final PageOrder order;
  private final PageSlot page;
  private final PageIndexBuilder frames = new PageIndexBuilder(0);
  private final Crc64 pageCrc = new Crc64();
  private long databaseChecksum = Checksums.EMPTY_DATABASE;
  private Step step = Step.FRAMES;

  private enum Step {
    FRAMES,
    INDEX,
    DONE,
    FAILED
  }

  /**
   * Reads the header.
   *
   * @param in the file from its first byte; closed by {@link #close()}, and left open if this
   *     constructor throws. It need not be buffered
   * @param file how the file is named in messages
   * @throws LtxFormatException if the header breaks a rule of the format
   * @throws IOException from the stream, unchanged
   */
  public LtxDecoder(InputStream in, String file) throws IOException {
    this.in = new LtxInput(in, file);
    this.file = file;
    this.header = LtxHeader.parse(this.in.take(LtxHeader.BYTES), file);
    this.order = new PageOrder(header);
    this.page = new PageSlot(new byte[header.pageSize()], 0, header.pageSize());
  }

  /** Returns the header; it is not proved before {@link #finish()}. */
  public LtxHeader header() {
    return header;
  }

  /**
   * Reads the next page and returns true, or returns false if there are no more.
   *
   * @throws LtxFormatException if the file breaks a rule; the decoder is of no use then
   */
  public boolean next() throws IOException {
    if (step != Step.FRAMES) {
      return requireNotFailed(false);
    }
    step = Step.FAILED;
    boolean hasPage = isEndMark() ? endFrames() : decodeFrame();
    step = hasPage ? Step.FRAMES : Step.INDEX;
    return hasPage;
  }

  private boolean isEndMark() throws IOException {
    int index = in.require(0, PageFrame.HEADER_BYTES);
    ByteBuffer bytes = ByteBuffer.wrap(in.array());
    return bytes.getInt(index) == 0 && bytes.getShort(index + PageFrame.AT_FLAGS) == 0;
  }

  private boolean endFrames() throws IOException {
    try {
      order.end();
    } catch (FieldException e) {
      throw e.in(file, in.position());
    }
    in.take(PageFrame.HEADER_BYTES);
    return false;
  }

  private boolean decodeFrame() throws IOException {
    int index = in.require(0, PageFrame.HEADER_BYTES);
    long pgno = Integer.toUnsignedLong(ByteBuffer.wrap(in.array()).getInt(index));
    try {
      order.next(pgno);
    } catch (FieldException e) {
      throw e.in(file, in.position());
    }
    int frameBytes = FrameDecoder.decode(in, page);
    takeFrame(frameBytes);
    frames.add(pgno, frameBytes);
    if (header.hasChecksums() && header.isSnapshot()) {
      databaseChecksum =
          Checksums.toggle(databaseChecksum, Checksums.page(pageCrc, pgno, page.bytes()));
    }
    return true;
  }

  /**
   * Takes header and page of the decoded frame into the file checksum, and passes over the frame.
   */
  private void takeFrame(int frameBytes) throws IOException {
    int index = in.require(0, PageFrame.HEADER_BYTES);
    boolean sized = in.array()[index + PageFrame.AT_FLAGS + 1] == PageFrame.FLAG_SIZE;
    int headerBytes = sized ? PageFrame.SIZED_HEADER_BYTES : PageFrame.HEADER_BYTES;
    in.take(headerBytes);
    in.skip(frameBytes - headerBytes);
    in.crc().update(page.bytes(), 0, page.size());
  }

  /** Returns the pgno of the page that {@link #next()} read. */
  public long pgno() {
    return frames.lastPgno();
  }

  /**
   * Returns the page that {@link #next()} read: page size bytes, overwritten by the next call of
   * {@link #next()}.
   */
  public byte[] page() {
    return page.bytes();
  }

  /**
   * Reads index and trailer and verifies the file; may be called once, after {@link #next()} has
   * returned false.
   *
   * @return the trailer
   * @throws LtxFormatException if the file breaks a rule, does not match its checksum, or goes on
   *     after its trailer
   */
  public LtxTrailer finish() throws IOException {
    if (requireNotFailed(step != Step.INDEX)) {
      throw new IllegalStateException("finish() before the last page or twice");
    }
    step = Step.FAILED;
    long indexOffset = in.position();
    requireIndex(frames.build());
    requireIndexLength(in.position() - indexOffset);
    LtxTrailer trailer = takeTrailer();
    step = Step.DONE;
    return trailer;
  }

  private void requireIndex(PageIndex index) throws IOException {
    for (int i = 0; i < index.count(); i++) {
      long start = in.position();
      boolean same = in.takeVarint() == index.pgno(i);
      same = same && in.takeVarint() == index.offset(i);
      same = same && in.takeVarint() == index.frameBytes(i);
      if (!same) {
        throw new LtxFormatException(
            file, start, "the page index does not match the frame of page " + index.pgno(i));
      }
    }
    long start = in.position();
    if (in.takeVarint() != 0) {
      throw new LtxFormatException(
          file, start, "the page index has more entries than the file has frames");
    }
  }

  private void requireIndexLength(long indexBytes) throws IOException {
    long start = in.position();
    long length = in.take(Long.BYTES).getLong();
    if (length != indexBytes) {
      throw new LtxFormatException(
          file,
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
            file);
    in.skip(Long.BYTES);
    trailer.requireFits(header, start, file);
    requireChecksums(trailer, checksum, start);
    if (!in.atEnd()) {
      throw new LtxFormatException(file, in.position(), "bytes after the trailer");
    }
    return trailer;
  }

  private void requireChecksums(LtxTrailer trailer, long checksum, long start)
      throws LtxFormatException {
    if (trailer.fileChecksum() != checksum) {
      throw new LtxFormatException(
          file,
          start + LtxTrailer.AT_FILE_CHECKSUM,
          "the file is damaged: its checksum is "
              + Long.toHexString(checksum)
              + ", it says "
              + Long.toHexString(trailer.fileChecksum()));
    }
    boolean known = header.hasChecksums() && header.isSnapshot();
    if (known && trailer.postApplyChecksum() != databaseChecksum) {
      throw new LtxFormatException(
          file,
          start,
          "the database checksum of the pages is "
              + Long.toHexString(databaseChecksum)
              + ", not "
              + Long.toHexString(trailer.postApplyChecksum()));
    }
  }

  /** Returns the page index; may be called after {@link #finish()}, which has verified it. */
  public PageIndex index() {
    if (step != Step.DONE) {
      throw new IllegalStateException("index() before finish()");
    }
    return frames.build();
  }

  private boolean requireNotFailed(boolean answer) {
    if (step == Step.FAILED) {
      throw new IllegalStateException("this decoder has failed: " + file);
    }
    return answer;
  }

  @Override
  public void close() throws IOException {
    in.close();
  }
}
