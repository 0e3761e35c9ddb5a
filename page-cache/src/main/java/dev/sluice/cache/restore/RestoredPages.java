package dev.sluice.cache.restore;

import dev.sluice.cache.KnownFile;
import dev.sluice.cache.ViewException;
import dev.sluice.cache.bulk.BulkFile;
import dev.sluice.cache.bulk.PageRun;
import dev.sluice.cache.bulk.PageSink;
import dev.sluice.cache.bulk.SummedFrames;
import dev.sluice.ltx.LockPage;
import dev.sluice.ltx.LtxHeader;
import dev.sluice.storage.LtxFile;
import java.io.IOException;
import java.util.BitSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;

/**
 * Writes each page of a plan once, in whatever order pages come: a file's page counts if no newer
 * file of the plan holds it, and if the database was not cut before it since.
 *
 * <p>So files begin with the newest one, and a bit for each page is all that is kept of what newer
 * files hold. Thread-safe as {@link PageSink} says; what else changes is confined to the reading
 * thread.
 */
final class RestoredPages implements PageSink {
  private final DatabaseFile database;
  private final Restorer.Progress progress;
  private final long totalBytes;

  /** For each file the entries whose pages count; made before its pages come. */
  private final Map<LtxFile, BitSet> counting = new ConcurrentHashMap<>();

  private final Map<LtxFile, KnownFile> known = new ConcurrentHashMap<>();
  private final PageSet pages = new PageSet();
  private Optional<BulkFile> before = Optional.empty();

  /** The smallest size that the database has had in the files so far, in pages. */
  private long floor = Long.MAX_VALUE;

  private String sizes = "";
  private volatile boolean isOneSize = true;
  private long commit;
  private long doneBytes;

  RestoredPages(DatabaseFile database, List<LtxFile> plan, Restorer.Progress progress) {
    this.database = database;
    this.progress = progress;
    this.totalBytes = plan.stream().mapToLong(LtxFile::size).sum();
  }

  @Override
  public List<SummedFrames> begin(BulkFile file) {
    LtxHeader header = file.header();
    if (before.isEmpty()) {
      commit = header.commit();
    } else {
      requireSize(file, before.get());
    }
    before = Optional.of(file);
    BitSet own = new BitSet(file.index().count());
    for (int i = 0; i < file.index().count(); i++) {
      long pgno = file.index().pgno(i);
      if (pgno <= floor && !pages.contains(pgno)) {
        pages.add(pgno);
        own.set(i);
      }
    }
    counting.put(file.file(), own);
    floor = Math.min(floor, header.commit());
    return List.of();
  }

  /** What is wrong may be the damage of a file, which is found later: that comes first. */
  private void requireSize(BulkFile file, BulkFile newer) {
    int pageSize = file.header().pageSize();
    if (newer.header().pageSize() != pageSize && isOneSize) {
      isOneSize = false;
      sizes =
          newer.ends().name()
              + " has pages of "
              + newer.header().pageSize()
              + " bytes, files before it of "
              + pageSize;
    }
  }

  @Override
  public void take(PageRun run) throws IOException {
    BitSet own = Objects.requireNonNull(counting.get(run.file().file()));
    int i = isOneSize ? 0 : run.count();
    while (i < run.count()) {
      int end = i;
      while (end < run.count()
          && own.get(run.first() + end)
          && run.pgno(end) - run.pgno(i) == end - i) {
        end++;
      }
      if (end > i) {
        int pageSize = run.file().header().pageSize();
        database.write(
            (run.pgno(i) - 1) * pageSize, run.pages(), run.offset(i), (end - i) * pageSize);
      }
      i = Math.max(end, i + 1);
    }
  }

  @Override
  public void proven(BulkFile file) {
    counting.remove(file.file());
    known.put(
        file.file(),
        KnownFile.read(
            file.file(), file.header().timestampMillis(), file.ends().trailer().fileChecksum()));
  }

  @Override
  public void arrived(long bytes) {
    doneBytes += bytes;
    progress.onBytes(doneBytes, totalBytes);
  }

  /** Returns a file that is proven, as it was read. */
  KnownFile known(LtxFile file) {
    KnownFile read = known.get(file);
    if (read == null) {
      throw new IllegalStateException(file + " was not read");
    }
    return read;
  }

  /**
   * Makes the file as long as the database, and has the disk take it.
   *
   * @param what is being done, for messages
   */
  void finish(String what) throws IOException {
    if (!isOneSize) {
      throw new ViewException.PageSizeChanged(sizes);
    }
    if (commit == 0) {
      throw new ViewException.Deleted(what + "the database was deleted at this TXID");
    }
    long absent = pages.firstAbsent(1);
    if (absent == LockPage.pgno(pageSize())) {
      absent = pages.firstAbsent(absent + 1);
    }
    if (absent <= commit) {
      throw new ViewException.PageMissing(what + "no file holds page " + absent);
    }
    database.setLength(commit * pageSize());
    database.sync();
  }

  /** Returns the size of the database in pages. */
  long commit() {
    return commit;
  }

  int pageSize() {
    return before.orElseThrow().header().pageSize();
  }
}
