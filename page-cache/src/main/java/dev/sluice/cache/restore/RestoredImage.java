package dev.sluice.cache.restore;

import dev.sluice.ltx.LockPage;
import java.io.Closeable;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Optional;

/**
 * A whole state in a file of its own, of which a copy takes the pages in which it differs. Confined
 * to one thread at a time.
 */
final class RestoredImage implements CopyChange, Closeable {
  private final RandomAccessFile file;
  private final long commit;
  private final int pageSize;
  private PageSet pages = new PageSet();

  RestoredImage(Path path, Restorer.Result restored) throws IOException {
    this.file = new RandomAccessFile(path.toFile(), "r");
    this.commit = restored.pages();
    this.pageSize = (int) (restored.bytes() / restored.pages());
    for (long pgno = 1; pgno <= commit; pgno++) {
      addUnlessLockPage(pgno);
    }
  }

  private void addUnlessLockPage(long pgno) {
    if (pgno != LockPage.pgno(pageSize)) {
      pages.add(pgno);
    }
  }

  @Override
  public int pageSize() {
    return pageSize;
  }

  @Override
  public long commit() {
    return commit;
  }

  @Override
  public PageSet pages(CopyTransaction copy, long copyCommit) throws IOException {
    pages = new PageSet();
    byte[] mine = new byte[pageSize];
    byte[] theirs = new byte[pageSize];
    for (long pgno = 1; pgno <= commit; pgno++) {
      read(pgno, mine);
      if (pgno <= copyCommit) {
        copy.read((pgno - 1) * pageSize, theirs);
      }
      if (pgno > copyCommit || !Arrays.equals(mine, theirs)) {
        addUnlessLockPage(pgno);
      }
    }
    return pages;
  }

  private void read(long pgno, byte[] page) throws IOException {
    file.seek((pgno - 1) * pageSize);
    file.readFully(page);
  }

  @Override
  public Optional<byte[]> pageOne() throws IOException {
    byte[] page = new byte[pageSize];
    read(1, page);
    return Optional.of(page);
  }

  @Override
  public void writeTo(Pages to) throws IOException {
    byte[] page = new byte[pageSize];
    for (long pgno = pages.firstPresent(2); pgno <= commit; pgno = pages.firstPresent(pgno + 1)) {
      read(pgno, page);
      to.write(pgno, page);
    }
  }

  @Override
  public void close() throws IOException {
    file.close();
  }
}
