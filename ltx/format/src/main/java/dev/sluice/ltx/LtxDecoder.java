package dev.sluice.ltx;

import java.io.Closeable;
import java.io.IOException;
import java.io.InputStream;

/**
 * Reads a whole LTX file as a stream and verifies all of it: every rule of the format, the page
 * index against the frames, the file checksum, and a snapshot's database checksum where it has one.
 *
 * <p>Nothing is proved before {@link #finish()} has returned; pages handed out earlier may be
 * damaged. Not for single pages of a large file: see {@link PageIndex} and {@link FrameDecoder}.
 * Confined to one thread at a time.
 */
public final class LtxDecoder implements Closeable {
  private final LtxReader reader;
  private final String file;
  private final DecodedPage page;
  private final PageIndexBuilder frames = new PageIndexBuilder(0);
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
    this.reader = new LtxReader(new LtxInput(in, file));
    this.file = file;
    this.page = new DecodedPage(reader.header().pageSize());
  }

  /** Returns the header; it is not proved before {@link #finish()}. */
  public LtxHeader header() {
    return reader.header();
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
    boolean hasPage = reader.next();
    if (hasPage) {
      reader.decode(page);
      reader.pass(page.crc());
      frames.add(reader.pgno(), reader.frameBytes());
    }
    step = hasPage ? Step.FRAMES : Step.INDEX;
    return hasPage;
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
    LtxTrailer trailer = reader.finish();
    step = Step.DONE;
    return trailer;
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
    reader.close();
  }
}
