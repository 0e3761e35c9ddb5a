package dev.sluice.replicator.spool;

import java.io.IOException;

/** The pages of one LTX file. Not for its header and end, which who cuts the file writes. */
@FunctionalInterface
public interface PageSource {

  /**
   * Gives the pages, ascending. Called once for each attempt to write the file, on the thread that
   * makes it.
   */
  void writeTo(PageSink file) throws IOException;
}
