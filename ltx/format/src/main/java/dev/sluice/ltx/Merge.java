package dev.sluice.ltx;

import java.io.IOException;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.util.List;
import java.util.PriorityQueue;

/**
 * The merge of a compaction: the frames of all inputs by page, the newest of each page first. Used
 * once; confined to one thread.
 */
final class Merge {
  private final List<LtxReader> readers;
  private final LtxHeader header;
  private final LtxWriter writer;
  private final RequiredPages required;
  private final DecodedPage page;
  private final FrameEncoder encoder;
  private final PriorityQueue<MergeInput> queue = new PriorityQueue<>();
  private long inputPageCount;
  private boolean isMissing;

  /**
   * @param readers the inputs at their first frames, in the order of history
   * @param header of the file that is written
   */
  Merge(List<LtxReader> readers, LtxHeader header, OutputStream out) throws IOException {
    this.readers = readers;
    this.header = header;
    this.writer = new LtxWriter(out, header);
    this.required = new RequiredPages(header, commitMin(0));
    this.page = new DecodedPage(header.pageSize());
    this.encoder = new FrameEncoder(header.pageSize());
  }

  /** Returns the smallest commit from a file on: what none of them cuts off. */
  private long commitMin(int from) {
    return readers.subList(from, readers.size()).stream()
        .mapToLong(reader -> reader.header().commit())
        .min()
        .orElseThrow();
  }

  Compaction run() throws IOException {
    start();
    long last = 0;
    for (MergeInput input = queue.poll(); input != null; input = queue.poll()) {
      boolean hasNext;
      do {
        boolean isNewest = input.pgno() != last;
        last = input.pgno();
        take(input, isNewest && input.isKept());
        hasNext = input.next();
      } while (hasNext && isFirst(input));
      if (hasNext) {
        queue.add(input);
      }
    }
    return finish();
  }

  private void start() throws IOException {
    long lastKept = LtxHeader.PGNO_MAX;
    for (int i = readers.size() - 1; i >= 0; i--) {
      lastKept = Math.min(lastKept, readers.get(i).header().commit());
      MergeInput input = new MergeInput(readers.get(i), readers.size() - 1 - i, lastKept);
      if (input.next()) {
        queue.add(input);
      }
    }
  }

  /** Returns whether the frame is the next of all. */
  private boolean isFirst(MergeInput input) {
    MergeInput other = queue.peek();
    return other == null || input.compareTo(other) < 0;
  }

  /** Checks the frame, of whatever version, and writes it if it is the one to keep. */
  private void take(MergeInput input, boolean isKept) throws IOException {
    LtxReader reader = input.reader();
    reader.decode(page);
    long pageCrc = page.crc();
    // With a page missing nothing is written any more, but all is read: a damaged file has a
    // failure of its own, which comes first.
    isMissing |= isKept && !required.allows(reader.pgno());
    if (isKept && !isMissing) {
      required.add(reader.pgno());
      writer.frame(reader.pgno(), frame(reader), pageCrc);
    }
    reader.pass(pageCrc);
    inputPageCount++;
  }

  private ByteBuffer frame(LtxReader reader) throws IOException {
    return reader.isSized()
        ? ByteBuffer.wrap(reader.array(), reader.frameOffset(), reader.frameBytes())
        : ByteBuffer.wrap(encoder.array(), 0, encoder.encode(reader.pgno(), page.bytes()));
  }

  private Compaction finish() throws IOException {
    if (isMissing || !required.isComplete()) {
      throw missingPage();
    }
    LtxTrailer trailer = writer.finish(0);
    return new Compaction(
        header,
        trailer,
        writer.pageCount(),
        writer.bytes(),
        inputPageCount,
        readers.stream().mapToLong(LtxReader::position).sum());
  }

  private CompactionException missingPage() {
    return new CompactionException(
        CompactionException.Reason.MISSING_PAGE,
        "compact "
            + header.range()
            + ": none of the "
            + readers.size()
            + " files, from "
            + readers.get(0).file()
            + " to "
            + readers.get(readers.size() - 1).file()
            + ", holds page "
            + required.missing()
            + " of a database of "
            + header.commit());
  }
}
