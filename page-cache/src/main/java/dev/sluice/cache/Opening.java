package dev.sluice.cache;

import dev.sluice.ltx.LockPage;
import dev.sluice.ltx.LtxHeader;
import dev.sluice.ltx.Txid;
import dev.sluice.storage.Deadline;
import dev.sluice.storage.LtxFile;
import java.io.IOException;
import java.io.InterruptedIOException;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;

/**
 * Makes views from files: the first one from a restore plan, a later one from the files that follow
 * on it. Whatever pages came along and are current go to the cache, as far as a share of it.
 *
 * <p>Confined to one thread at a time.
 */
final class Opening {

  /** How long a view that is otherwise whole waits for its time. */
  private static final Duration DATE_WAIT = Duration.ofMillis(250);

  private final Source source;
  private final FileLoader loader;

  /** Takes a source whose client tries again until the deadline. */
  Opening(Source source, Deadline deadline) {
    this.source = source;
    this.loader = new FileLoader(source, deadline);
  }

  /**
   * Returns the view that a plan gives.
   *
   * @param plan files that follow on each other, the first a snapshot
   * @param dated a file below the snapshot level that ends where the plan does, for the time of the
   *     state: a snapshot's header has the time at which the snapshot was made
   * @throws MalformedFileException if a file breaks a rule of the format
   * @throws dev.sluice.storage.ReplicaException if a file cannot be read; {@code NotFound} and
   *     {@code Conflict} mean that the plan is out of date
   */
  View open(List<LtxFile> plan, Optional<LtxFile> dated) throws IOException {
    Optional<CompletableFuture<byte[]>> header =
        dated
            .filter(file -> file.size() >= LtxHeader.BYTES)
            .map(file -> source.client().read(file, 0, LtxHeader.BYTES));
    try {
      List<FileLoader.Loaded> loaded = ofOnePageSize(loader.load(plan));
      FileLoader.Loaded newest = loaded.get(loaded.size() - 1);
      requireNotDeleted(newest);
      PageMap pages = applied(PageMap.EMPTY, loaded);
      int pageSize = newest.summary().header().pageSize();
      loader.keepPages(loaded, pages, pageSize);
      byte[] pageOne = loader.pageOne(loaded, pages, pageSize);
      LtxHeader end = newest.summary().header();
      return new View(end, pages, Instant.ofEpochMilli(timeMillis(end, header)), pageOne);
    } finally {
      header.ifPresent(request -> request.cancel(true));
    }
  }

  /**
   * Returns the view that files lead to from another one.
   *
   * @param chain files that follow on {@code base} and on each other
   * @throws ViewException.Deleted if the database was deleted
   * @throws ViewException.Replaced if a full image with another page size is among them: those who
   *     read {@code base} cannot go on with it
   */
  View follow(View base, List<LtxFile> chain) throws IOException {
    List<FileLoader.Loaded> loaded = loader.load(chain);
    requirePageSizeOf(base, loaded);
    FileLoader.Loaded newest = loaded.get(loaded.size() - 1);
    requireNotDeleted(newest);
    PageMap pages = applied(roomy(base), loaded);
    loader.keepPages(loaded, pages, base.pageSize());
    boolean isPageOneNew = loaded.stream().anyMatch(each -> each.summary().index().find(1) >= 0);
    byte[] pageOne =
        isPageOneNew ? loader.pageOne(loaded, pages, base.pageSize()) : base.plainPageOneHeader();
    LtxHeader header = newest.summary().header();
    View view = new View(header, pages, Instant.ofEpochMilli(header.timestampMillis()), pageOne);
    return view.following(base, base.schemaEpoch() + (isOnePast(base, loaded) ? 0 : 1));
  }

  /**
   * Returns whether files are known to go on where a view and each other ends: the same WAL,
   * without a gap. A database that was restored and written since has another.
   */
  private static boolean isOnePast(View base, List<FileLoader.Loaded> loaded) {
    LtxHeader before = base.newest();
    for (FileLoader.Loaded one : loaded) {
      LtxHeader next = one.summary().header();
      boolean isOneWal =
          next.walSize() > 0
              && next.walSalt1() == before.walSalt1()
              && next.walSalt2() == before.walSalt2()
              && next.walOffset() == before.walOffset() + before.walSize();
      if (!isOneWal) {
        return false;
      }
      before = next;
    }
    return true;
  }

  /** Returns the file because of which this failed as it was not there, or another. */
  Optional<LtxFile> absent() {
    return loader.absent();
  }

  private void requireNotDeleted(FileLoader.Loaded newest) throws ViewException {
    LtxHeader header = newest.summary().header();
    if (header.commit() == 0) {
      throw new ViewException.Deleted(
          "open "
              + source.location()
              + ": the database was deleted at TXID "
              + header.range().max());
    }
  }

  private long timeMillis(LtxHeader newest, Optional<CompletableFuture<byte[]>> dated)
      throws InterruptedIOException {
    if (dated.isEmpty()) {
      return newest.timestampMillis();
    }
    String what = "read a header of " + source.location();
    try {
      byte[] header = Waits.await(dated.get(), Deadline.after(DATE_WAIT, System::nanoTime), what);
      return LtxHeader.parse(ByteBuffer.wrap(header), what).timestampMillis();
    } catch (InterruptedIOException e) {
      throw e;
    } catch (IOException e) {
      return newest.timestampMillis();
    }
  }

  /**
   * Returns a view's map with room for more files. Pages that compactions brought together keep the
   * bounds at which they were learned, one each; raising them to the max TXID of their file tells
   * as much of this view, and a little less of those before it.
   */
  private PageMap roomy(View view) {
    PageMap pages = view.pages();
    return pages.isCrowded()
        ? pages.raised(
            number ->
                source
                    .files()
                    .find(number)
                    .map(file -> file.name().range().max())
                    .filter(max -> !max.isAfter(view.txid()))
                    .orElse(Txid.NONE))
        : pages;
  }

  private PageMap applied(PageMap base, List<FileLoader.Loaded> loaded) throws ViewException {
    try {
      return base.apply(loaded.stream().map(FileLoader.Loaded::change).toList());
    } catch (ViewException.TooManyFiles e) {
      throw new ViewException.TooManyFiles("open " + source.location() + ": " + e.getMessage());
    }
  }

  /**
   * Returns the files from the last change of the page size on: a full image may begin with another
   * one, for it needs nothing from before.
   */
  private List<FileLoader.Loaded> ofOnePageSize(List<FileLoader.Loaded> loaded)
      throws ViewException {
    FileLoader.Loaded newest = loaded.get(loaded.size() - 1);
    int pageSize = newest.summary().header().pageSize();
    for (int i = loaded.size() - 1; i >= 0; i--) {
      FileLoader.Loaded one = loaded.get(i);
      if (one.summary().header().pageSize() != pageSize) {
        if (isFullImage(loaded.get(i + 1).summary())) {
          return loaded.subList(i + 1, loaded.size());
        }
        throw new ViewException.PageSizeChanged(differentPageSizes(one, loaded.get(i + 1)));
      }
    }
    return loaded;
  }

  private void requirePageSizeOf(View base, List<FileLoader.Loaded> loaded) throws ViewException {
    for (FileLoader.Loaded one : loaded) {
      int pageSize = one.summary().header().pageSize();
      if (pageSize != base.pageSize()) {
        String what =
            source.location(one.file())
                + " has pages of "
                + pageSize
                + " bytes, TXID "
                + base.txid()
                + " of "
                + base.pageSize();
        throw isFullImage(one.summary())
            ? new ViewException.Replaced("the replica was replaced: " + what + ": open it again")
            : new ViewException.PageSizeChanged(what);
      }
    }
  }

  private String differentPageSizes(FileLoader.Loaded one, FileLoader.Loaded next) {
    return source.location(one.file())
        + " has pages of "
        + one.summary().header().pageSize()
        + " bytes, "
        + next.file().name()
        + " of "
        + next.summary().header().pageSize();
  }

  private static boolean isFullImage(FileSummary summary) {
    LtxHeader header = summary.header();
    long absent = LockPage.pgno(header.pageSize()) <= header.commit() ? 1 : 0;
    return header.commit() > 0 && summary.index().count() == header.commit() - absent;
  }
}
