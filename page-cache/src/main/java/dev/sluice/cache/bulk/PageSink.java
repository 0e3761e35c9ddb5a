package dev.sluice.cache.bulk;

import java.io.IOException;
import java.util.List;

/**
 * Takes the pages of files. What it throws ends the reading.
 *
 * <p>Pages come before their file is proved, and files come beside each other: whoever needs proof
 * first keeps what comes aside until {@link #proven}. Not for verifying: pages are those of the
 * file, or the reading fails.
 */
public interface PageSink {

  /**
   * Says that pages of a file will come. Called on the reading thread, for each file once and in
   * the order in which the files were given, whatever comes first from the storage.
   *
   * @return what need not come, because its pages were taken by an earlier reading and are as they
   *     were then; ascending, and no frame twice. Of a file that is requested as a whole it comes
   *     all the same
   */
  List<SummedFrames> begin(BulkFile file) throws IOException;

  /**
   * Takes pages, each page of a file once. Called on several threads at once, none of which is ever
   * interrupted.
   */
  void take(PageRun run) throws IOException;

  /**
   * Says that the pages of these frames were taken. Called as {@link #take}.
   *
   * @param crcs CRC-64/ISO of each page
   */
  default void taken(BulkFile file, SummedFrames frames, long[] crcs) {}

  /**
   * Says that all pages of a file were taken, now or earlier, and were those that its writer wrote.
   * Called on the reading thread, in any order.
   */
  void proven(BulkFile file) throws IOException;

  /**
   * Says that so many bytes more of the files have come, or need not: each byte once, so that for a
   * file that is proven it was its size. Called on the reading thread.
   */
  default void arrived(long bytes) throws IOException {}
}
