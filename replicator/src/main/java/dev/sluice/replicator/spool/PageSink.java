package dev.sluice.replicator.spool;

import java.io.IOException;

/** Takes the pages of a state of the database, ascending. */
@FunctionalInterface
public interface PageSink {

  /**
   * Takes one page, which is the caller's again afterwards.
   *
   * @param page one page's size
   */
  void page(long pgno, byte[] page) throws IOException;
}
