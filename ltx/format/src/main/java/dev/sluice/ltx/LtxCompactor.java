package dev.sluice.ltx;

import java.io.BufferedOutputStream;
import java.io.Closeable;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.util.ArrayList;
import java.util.List;

/**
 * Merges LTX files that follow each other into one that does what they do: of each page the newest
 * version, without the pages that a shrinking database has lost on the way.
 *
 * <p>Frames are copied as they are, because compressing anew takes several times as long as all the
 * rest. Each one is decoded all the same, and the CRC of its page goes into the checksum of the
 * file that it comes from and into that of the file that is written: what this class has called an
 * LTX file holds the very pages that its inputs vouch for. Legacy frames are compressed anew.
 *
 * <p>The inputs are read side by side, each through a buffer of its own; those that fit into it are
 * closed at once, the others hold a descriptor to their end. Memory beside the buffers is the page
 * index of the output, 8 to 10 bytes a page. What was written is an LTX file only after {@link
 * #writeTo} has returned: before that it lacks its end, and every reader refuses it. Not for
 * deciding what is compacted, nor for getting the result to its place. Confined to one thread at a
 * time.
 */
public final class LtxCompactor implements Closeable {

  /** What all buffers of the inputs take together, unless there are very many inputs. */
  private static final int BUFFERS_BYTES = 1 << 24;

  private static final int BUFFER_BYTES_MIN = 1 << 14;
  private static final int BUFFER_BYTES_MAX = 1 << 18;
  private static final int OUT_BUFFER_BYTES = 1 << 16;

  private final List<LtxReader> readers = new ArrayList<>();
  private final LtxHeader header;
  private boolean isUsed;

  /**
   * Opens all files and reads their headers.
   *
   * @param inputs in the order of history, at least one; overlap is allowed
   * @throws CompactionException if one does not follow on the one before, or has another page size,
   *     by its header, which is not proved yet
   * @throws LtxFormatException if a header breaks a rule of the format
   * @throws IOException from an opener or stream, unchanged
   */
  public LtxCompactor(List<CompactionInput> inputs) throws IOException {
    if (inputs.isEmpty()) {
      throw new IllegalArgumentException("nothing to compact");
    }
    int share = BUFFERS_BYTES / inputs.size();
    int bufferBytes = Math.min(Math.max(share, BUFFER_BYTES_MIN), BUFFER_BYTES_MAX);
    try {
      for (CompactionInput input : inputs) {
        readers.add(open(input, bufferBytes));
        requireFollows();
      }
    } catch (IOException | RuntimeException e) {
      closeAfter(e);
      throw e;
    }
    this.header = merged();
  }

  private static LtxReader open(CompactionInput input, int bufferBytes) throws IOException {
    InputStream stream = input.opener().open();
    try {
      LtxInput in = new LtxInput(stream, input.file(), bufferBytes);
      in.fill();
      return new LtxReader(in);
    } catch (IOException | RuntimeException e) {
      try (stream) {
        throw e;
      }
    }
  }

  /** Checks the newest file against the one before. */
  private void requireFollows() throws CompactionException {
    if (readers.size() < 2) {
      return;
    }
    LtxReader file = newest();
    LtxReader before = readers.get(readers.size() - 2);
    if (!file.header().range().follows(before.header().range().max())) {
      throw new CompactionException(
          CompactionException.Reason.GAP,
          "compact: " + file.file() + " does not follow on " + before.file());
    }
    if (file.header().pageSize() != before.header().pageSize()) {
      throw new CompactionException(
          CompactionException.Reason.PAGE_SIZE,
          "compact: the page size changes from "
              + before.header().pageSize()
              + " to "
              + file.header().pageSize()
              + " at "
              + file.file());
    }
  }

  private LtxReader newest() {
    return readers.get(readers.size() - 1);
  }

  private LtxHeader merged() {
    LtxHeader last = newest().header();
    TxidRange range = new TxidRange(readers.get(0).header().range().min(), last.range().max());
    return LtxHeader.of(last.pageSize(), last.commit(), range, last.timestampMillis());
  }

  /**
   * Returns the header of the file that {@link #writeTo(OutputStream)} writes: first min and last
   * max TXID, commit and timestamp of the last file, nothing of the WAL, no database checksums.
   */
  public LtxHeader header() {
    return header;
  }

  /**
   * Writes the file with {@link #header()}; this or the other may be called once.
   *
   * @param out gets large writes, is flushed, and is left open
   * @throws LtxFormatException if an input breaks a rule or does not match its checksum; the
   *     exception names it, and what was written is no LTX file
   * @throws CompactionException if a page that the database must have is in none of the inputs
   * @throws IOException from the streams, unchanged
   */
  public Compaction writeTo(OutputStream out) throws IOException {
    return write(header, out);
  }

  /** As the other, with another timestamp: a snapshot carries the time at which it was made. */
  public Compaction writeTo(OutputStream out, long timestampMillis) throws IOException {
    return write(
        LtxHeader.of(header.pageSize(), header.commit(), header.range(), timestampMillis), out);
  }

  /**
   * Writes a snapshot, whose TXIDs begin at 1, though the first input need not: a full image in the
   * middle of history holds every page as well.
   *
   * @throws CompactionException with {@link CompactionException.Reason#MISSING_PAGE} if the inputs
   *     do not hold every page
   */
  public Compaction writeSnapshotTo(OutputStream out, long timestampMillis) throws IOException {
    TxidRange range = new TxidRange(Txid.FIRST, header.range().max());
    return write(LtxHeader.of(header.pageSize(), header.commit(), range, timestampMillis), out);
  }

  private Compaction write(LtxHeader written, OutputStream out) throws IOException {
    if (isUsed) {
      throw new IllegalStateException("a compaction writes one file");
    }
    isUsed = true;
    return new Merge(readers, written, new BufferedOutputStream(out, OUT_BUFFER_BYTES)).run();
  }

  /** Closes all inputs. */
  @Override
  public void close() throws IOException {
    IOException failure = null;
    for (LtxReader reader : readers) {
      try {
        reader.close();
      } catch (IOException e) {
        if (failure == null) {
          failure = e;
        } else {
          failure.addSuppressed(e);
        }
      }
    }
    if (failure != null) {
      throw failure;
    }
  }

  private void closeAfter(Exception failure) {
    try {
      close();
    } catch (IOException e) {
      failure.addSuppressed(e);
    }
  }
}
