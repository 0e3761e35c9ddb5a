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
      Optional<ByteBuffer> sums = sums(file, part.frames());
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

  @Override
  public void taken(BulkFile file, SummedFrames frames, long[] crcs) {
    Optional<ByteBuffer> sums = sums(file, frames);
    if (sums.isPresent() && areOf(sums.get(), file, frames, crcs)) {
      progress.add(file.file(), new HydrationProgress.Part(frames, digest(sums.get())));
    }
    progress.keepIfDue();
  }

  /** Returns whether what is in the store came of these frames, and not from elsewhere. */
  private boolean areOf(ByteBuffer sums, BulkFile file, SummedFrames frames, long[] crcs) {
    boolean[] isOther = {false};
    ByteBuffer stored = sums.duplicate();
    forEachWanted(
        file,
        frames,
        pgno -> {
          int entry = file.index().find(pgno);
          isOther[0] |=
              stored.getLong() != pgno
                  || !PageStore.isSum(stored.getLong(), crcs[entry - frames.first()]);
        });
    return !isOther[0];
  }

  private static long digest(ByteBuffer sums) {
    Crc64 crc = new Crc64();
    crc.update(sums.duplicate());
    return crc.value();
  }

  /** Returns pgnos and sums of the wanted pages of frames; empty if not all of them are here. */
  private Optional<ByteBuffer> sums(BulkFile file, SummedFrames frames) {
    ByteBuffer sums = ByteBuffer.allocate(frames.sum().count() * 2 * Long.BYTES);
    boolean[] isAbsent = {false};
    forEachWanted(
        file,
        frames,
        pgno -> {
          sums.putLong(pgno).putLong(store.sum(pgno));
          isAbsent[0] |= !store.contains(pgno);
        });
    return isAbsent[0] ? Optional.empty() : Optional.of(sums.flip());
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
    forEachWanted(file, 0, file.index().count(), store::prove);
  }

  /** Has go what came of a file that is not what it should be. */
  void disprove(LtxFile file) {
    progress.remove(file);
    BulkFile bulk = begun.get(file);
    if (bulk != null) {
      forEachWanted(bulk, 0, bulk.index().count(), store::disprove);
    }
  }

  private interface Step {
    void run(long pgno);
  }

  private void forEachWanted(BulkFile file, SummedFrames frames, Step step) {
    forEachWanted(file, frames.first(), frames.end(), step);
  }

  private void forEachWanted(BulkFile file, int first, int end, Step step) {
    int number = files.numberOf(file.file());
    for (int entry = first; entry < end; entry++) {
      if (isWanted(file, number, entry)) {
        step.run(file.index().pgno(entry));
      }
    }
  }
}
