package dev.sluice.cache.bulk;

import dev.sluice.ltx.FrameRunDecoder;
import dev.sluice.ltx.FrameSum;
import dev.sluice.ltx.PageFrame;
import java.io.IOException;
import java.util.function.BooleanSupplier;

/** Decodes ranges into one array of its own, run by run. Confined to one thread at a time. */
final class RunDecoder {

  /** Long enough that a sink writes in few calls, short enough to stay in the processor's cache. */
  private static final int RUN_BYTES = 256 << 10;

  private static final int PAGE_SIZE_MIN = 512;

  private final FrameRunDecoder decoder = new FrameRunDecoder();
  private final byte[] pages = new byte[RUN_BYTES];
  private final long[] crcs = new long[RUN_BYTES / PAGE_SIZE_MIN];

  /**
   * Frames that have come.
   *
   * @param bytes of the file, those of the range from {@code offset} on
   */
  @SuppressWarnings("ArrayRecordComponent") // compared by nobody
  record Frames(BulkFile file, FrameRange range, byte[] bytes, int offset) {}

  /**
   * Decodes frames and hands over their pages.
   *
   * @param pageCrcs where CRC-64/ISO of each page goes
   * @param isUnwanted says that the rest may be left
   */
  FrameSum decode(Frames frames, PageSink sink, long[] pageCrcs, BooleanSupplier isUnwanted)
      throws IOException {
    BulkFile file = frames.file();
    FrameRange range = frames.range();
    FrameSum sum = FrameSum.NONE;
    int end = range.first() + range.count();
    int runPages = RUN_BYTES / file.header().pageSize();
    for (int first = range.first(); first < end && !isUnwanted.getAsBoolean(); first += runPages) {
      int count = Math.min(runPages, end - first);
      int at = frames.offset() + (int) (file.index().offset(first) - range.offset());
      FrameRunDecoder.Run run = new FrameRunDecoder.Run(file.ends(), first, count);
      sum = sum.then(decoder.decode(run, frames.bytes(), at, pages, crcs));
      sink.take(new PageRun(file, first, count, pages, crcs));
      System.arraycopy(crcs, 0, pageCrcs, first - range.first(), count);
    }
    if (range.isLast()) {
      int markAt = frames.offset() + range.bytes() - PageFrame.HEADER_BYTES;
      file.ends().requireEndMark(frames.bytes(), markAt);
    }
    return sum;
  }
}
