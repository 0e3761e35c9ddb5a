package dev.sluice.cache;

import dev.sluice.cache.bulk.BulkFile;
import dev.sluice.cache.bulk.PageRun;
import dev.sluice.cache.bulk.PageSink;
import dev.sluice.cache.bulk.SummedFrames;
import dev.sluice.cache.store.PageStore;
import dev.sluice.cache.store.Proof;
import dev.sluice.ltx.Crc64;
import dev.sluice.storage.LtxFile;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
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
  private final HydrationProgress progress;
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
   * @param progress what came earlier, and what comes now
   */
  HydrationSink(
      FileTable files,
      PageMap map,
      PageStore store,
      LongUnaryOperator admission,
      HydrationProgress progress) {
    this.files = files;
    this.map = map;
    this.store = store;
    this.admission = admission;
    this.progress = progress;
  }

  @Override
  public List<SummedFrames> begin(BulkFile file) {
    begun.put(file.file(), file);
    List<SummedFrames> had = new ArrayList<>();
    for (HydrationProgress.Part part : progress.of(file.file(), file.index().count())) {
      Optional<ByteBuffer> sums = sums(file, part.frames(), (entry, sum) -> true);
      if (sums.isPresent() && digest(sums.get()) == part.digest()) {
        for (ByteBuffer each = sums.get(); each.hasRemaining(); ) {
          store.expectProof(each.getLong(), each.getLong());
        }
        had.add(part.frames());
      } else {
        progress.remove(file.file(), part);
      }
    }
    return had;
  }

  /** What is in the store may have come from elsewhere meanwhile: that is not noted. */
  @Override
  public void taken(BulkFile file, SummedFrames frames, long[] crcs) {
    sums(file, frames, (entry, sum) -> PageStore.isSum(sum, crcs[entry - frames.first()]))
        .ifPresent(
            sums -> progress.add(file.file(), new HydrationProgress.Part(frames, digest(sums))));
    progress.keepIfDue();
  }

  private static long digest(ByteBuffer sums) {
    Crc64 crc = new Crc64();
    crc.update(sums.duplicate());
    return crc.value();
  }

  private interface Check {
    boolean isRight(int entry, long sum);
  }

  /**
   * Returns pgnos and sums of the wanted pages of frames; empty if one of them is not here, or is
   * not right.
   */
  private Optional<ByteBuffer> sums(BulkFile file, SummedFrames frames, Check check) {
    ByteBuffer sums = ByteBuffer.allocate(frames.sum().count() * 2 * Long.BYTES);
    int number = files.numberOf(file.file());
    for (int entry = frames.first(); entry < frames.end(); entry++) {
      if (isWanted(file, number, entry)) {
        long pgno = file.index().pgno(entry);
        long sum = store.sum(pgno);
        if (!store.contains(pgno) || !check.isRight(entry, sum)) {
          return Optional.empty();
        }
        sums.putLong(pgno).putLong(sum);
      }
    }
    return Optional.of(sums.flip());
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
    progress.remove(file.file());
    forEachWanted(file, store::prove);
  }

  /** Has go what came of a file that is not what it should be. */
  void disprove(LtxFile file) {
    progress.remove(file);
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
