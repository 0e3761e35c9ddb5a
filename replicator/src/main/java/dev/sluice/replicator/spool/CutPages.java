package dev.sluice.replicator.spool;

import dev.sluice.ltx.Checksums;
import dev.sluice.ltx.LtxEncoder;
import java.io.IOException;

/**
 * The pages that go into one cut: those of a log all, those of an image where they differ from the
 * last cut. Used once.
 */
final class CutPages {
  private final CutContent content;
  private final CutRecord last;
  private final StagedChecksums staged;
  private long written;
  private long equal;

  CutPages(CutContent content, CutRecord last, StagedChecksums staged) {
    this.content = content;
    this.last = last;
    this.staged = staged;
  }

  /**
   * Writes the pages to the file, and their checksums.
   *
   * @param before the checksums of the last cut
   */
  void writeTo(LtxEncoder file, PageChecksums.Entries before) throws IOException {
    content
        .image()
        .pages()
        .writeTo(
            (pgno, page) -> {
              long checksum = Checksums.page(pgno, page);
              if (isNeeded(pgno) || before.of(pgno) != checksum) {
                file.page(pgno, page);
                staged.add(pgno, checksum);
                written++;
              } else {
                equal++;
              }
            });
  }

  /** A file that only cuts the database off has its first page all the same. */
  private boolean isNeeded(long pgno) {
    return !content.isWhole() || (pgno == 1 && content.image().commit() != last.commit());
  }

  /** Returns whether the state is the last cut's. */
  boolean isNothing() {
    return content.isWhole() && written == 0 && content.image().commit() == last.commit();
  }

  /** Returns whether the file has all pages of the database. */
  boolean isImage() {
    return content.isWhole() && equal == 0;
  }
}
