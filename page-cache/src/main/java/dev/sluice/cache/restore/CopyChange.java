package dev.sluice.cache.restore;

import java.io.IOException;
import java.util.Optional;

/** What one transaction makes of a copy. Confined to one thread at a time. */
interface CopyChange {

  /** Takes pages; page 1 is not among them. */
  @FunctionalInterface
  interface Pages {
    void write(long pgno, byte[] page) throws IOException;
  }

  int pageSize();

  /** Returns the size afterwards in pages, above 0. */
  long commit();

  /**
   * Returns the pages that are written, none past {@link #commit}.
   *
   * @param copy as it is, with pages of the same size
   * @param commit its size in pages
   */
  PageSet pages(CopyTransaction copy, long commit) throws IOException;

  /** Returns page 1 as LTX files hold it; empty if it stays as it is. */
  Optional<byte[]> pageOne() throws IOException;

  /** Hands over each page, the newest version last; ones past {@link #commit} may be among them. */
  void writeTo(Pages pages) throws IOException;
}
