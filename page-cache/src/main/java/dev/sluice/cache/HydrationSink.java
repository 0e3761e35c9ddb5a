package dev.sluice.cache;

import dev.sluice.cache.bulk.BulkFile;
import dev.sluice.cache.bulk.PageRun;
import dev.sluice.cache.bulk.PageSink;
import dev.sluice.cache.store.PageStore;
import dev.sluice.cache.store.Proof;
import dev.sluice.storage.LtxFile;
import java.io.IOException;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.LongUnaryOperator;

/**
 * Takes of whole files those pages that are a view's into the page store. They can be read before
 * their file is proven, as every page can that came by a range; what turns out to be of a damaged
 * file goes again. Thread-safe.
 */
final class HydrationSink implements PageSink {
  private final FileTable files;
  private final PageMap map;
  private final PageStore store;
  private final LongUnaryOperator admission;
  private final Map<LtxFile, BulkFile> begun = new ConcurrentHashMap<>();

  /** There is no place for more. */
  static final class FullException extends IOException {
    private static final long serialVersionUID = 1L;

    FullException() {
      super("the page store is full");
    }
  }

  /**
   * Takes whose pages go where.
   *
   * @param map of the view, as it was when the files were chosen
   */
  HydrationSink(FileTable files, PageMap map, PageStore store, LongUnaryOperator admission) {
    this.files = files;
    this.map = map;
    this.store = store;
    this.admission = admission;
  }

  @Override
  public void begin(BulkFile file) {
    begun.put(file.file(), file);
  }

  @Override
  public void take(PageRun run) throws IOException {
    int number = files.numberOf(run.file().file());
    for (int i = 0; i < run.count(); ) {
      int length = 0;
      while (i + length < run.count()
          && run.pgno(i + length) == run.pgno(i) + length
          && isWanted(run.file(), number, run.first() + i + length)) {
        length++;
      }
      if (length > 0 && !store.fillRun(pages(run, i, length), Proof.PENDING, admission)) {
        throw new FullException();
      }
      i += Math.max(1, length);
    }
  }

  private static PageStore.Run pages(PageRun run, int i, int count) {
    long[] crcs = new long[count];
    for (int j = 0; j < count; j++) {
      crcs[j] = run.crc(i + j);
    }
    return new PageStore.Run(run.pgno(i), count, run.pages(), run.offset(i), crcs, 0);
  }

  private boolean isWanted(BulkFile file, int number, int entry) {
    long pgno = file.index().pgno(entry);
    if (!map.contains(pgno)) {
      return false;
    }
    PageMap.Frame frame = map.frame(pgno);
    return frame.file() == number && frame.offset() == file.index().offset(entry);
  }

  @Override
  public void proven(BulkFile file) {
    begun.remove(file.file());
    forEachWanted(file, store::prove);
  }

  /** Has go what came of a file that is not what it should be. */
  void disprove(LtxFile file) {
    BulkFile bulk = begun.get(file);
    if (bulk != null) {
      forEachWanted(bulk, store::disprove);
    }
  }

  private interface Step {
    void run(long pgno);
  }

  private void forEachWanted(BulkFile file, Step step) {
    int number = files.numberOf(file.file());
    for (int entry = 0; entry < file.index().count(); entry++) {
      if (isWanted(file, number, entry)) {
        step.run(file.index().pgno(entry));
      }
    }
  }
}
