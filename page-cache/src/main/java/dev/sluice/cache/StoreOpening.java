package dev.sluice.cache;

import dev.sluice.cache.store.CacheDirectory;
import dev.sluice.cache.store.LocalStore;
import dev.sluice.cache.store.PageStore;
import dev.sluice.cache.store.StoreFolder;
import dev.sluice.cache.store.StoreReaders;
import dev.sluice.ltx.LockPage;
import dev.sluice.ltx.PageIndex;
import dev.sluice.ltx.Txid;
import dev.sluice.storage.Deadline;
import dev.sluice.storage.LtxFile;
import dev.sluice.storage.LtxFileName;
import java.io.IOException;
import java.io.InterruptedIOException;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.util.BitSet;
import java.util.List;
import java.util.Optional;
import java.util.function.LongPredicate;
import java.util.function.Supplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Opens the page store of a replica: what a former process left, as far as it is still right, or an
 * empty one; a temporary one where another process has the folder.
 *
 * <p>What was left is of a TXID, and a TXID is not an identity: it counts only up to the end of the
 * last file that was known then and is listed unchanged. Up to there the histories are one; beyond,
 * the replica may have been set back and have gone on otherwise, its older files left as they were.
 * A page whose bound is not later had not changed from there to where the store was left, whatever
 * branch that is on. So it is the same now if it has not changed from there to the new view, by its
 * page map, or by the indexes of the files between, if all of them are there. Pages with a later
 * bound go: those that had changed since the last file that is still known.
 *
 * <p>A view that is older than the store, for a listing may lag behind, is no other case: the pages
 * whose bound is not later than the view are its pages, and what has changed since comes again.
 *
 * <p>Confined to one thread at a time.
 */
final class StoreOpening implements StoredPages.Opener {
  private static final Logger log = LoggerFactory.getLogger(StoreOpening.class);

  /** How large a store is that goes with its process. */
  static final long TEMPORARY_BYTES_MAX = 256L << 20;

  /** How long the indexes of the files between may take. */
  private static final Duration INDEX_LIMIT = Duration.ofSeconds(10);

  /** How long to wait for a store of this process that is being closed. */
  private static final Duration CLOSING_LIMIT = Duration.ofSeconds(5);

  private final StoreOptions options;
  private final Path cacheDirectory;
  private final Path folder;
  private final String name;
  private final StoreReaders readers;
  private final Parts parts;
  private final Supplier<List<LtxFile>> listed;

  /**
   * Takes how and where.
   *
   * @param listed the files of the listing from which the first view was made
   */
  StoreOpening(
      ReplicaOptions options, StoreReaders readers, Parts parts, Supplier<List<LtxFile>> listed) {
    this.options = options.store();
    this.cacheDirectory = options.cacheDirectory();
    this.folder = options.storeFolder();
    this.name = StoreName.of(options.url());
    this.readers = readers;
    this.parts = parts;
    this.listed = listed;
  }

  @Override
  public Optional<LocalStore> open(View first) throws IOException {
    PageStore.Spec spec =
        new PageStore.Spec(
            parts.location(), first.pageSize(), readers, options.bytesMax(), parts.ticker());
    return switch (options.place()) {
      case OFF -> Optional.empty();
      case MEMORY -> Optional.of(StoreFolder.inMemory(bounded(spec)));
      case DISK -> Optional.of(onDisk(first, spec));
    };
  }

  private static PageStore.Spec bounded(PageStore.Spec spec) {
    long bytes = Math.min(spec.bytesMax(), TEMPORARY_BYTES_MAX);
    return new PageStore.Spec(spec.name(), spec.pageSize(), spec.readers(), bytes, spec.ticker());
  }

  private LocalStore onDisk(View first, PageStore.Spec spec) throws IOException {
    new CacheDirectory(cacheDirectory, Clock.systemUTC()).tidy(folder);
    Optional<StoreFolder> owned = StoreFolder.own(folder, options.path(), CLOSING_LIMIT);
    if (owned.isEmpty()) {
      log.info(
          "page store of {}: another process has {}; a temporary one of at most {} bytes is used",
          parts.location(),
          folder,
          bounded(spec).bytesMax());
      return StoreFolder.temporary(cacheDirectory, bounded(spec));
    }
    boolean isOpen = false;
    try {
      LocalStore store = inFolder(owned.get(), first, spec);
      isOpen = true;
      return store;
    } finally {
      if (!isOpen) {
        owned.get().close();
      }
    }
  }

  private LocalStore inFolder(StoreFolder owned, View first, PageStore.Spec spec)
      throws IOException {
    long txid = first.txid().value();
    Optional<StoreFolder.Left> left = owned.left(first.pageSize());
    if (left.isPresent()) {
      Optional<Txid> proven = provenUpTo(owned.lineage(left.get()));
      if (proven.isPresent()) {
        Txid then = new Txid(left.get().txid());
        Txid since = earlier(proven.get(), earlier(then, first.txid()));
        LocalStore store = owned.adopt(left.get(), spec, txid, first.commit(), stays(first, since));
        if (since.isBefore(then)) {
          dropCheckpoint(owned, left.get(), store);
        }
        return remembering(store);
      }
    }
    return remembering(owned.create(spec, txid, first.commit()));
  }

  private static void dropCheckpoint(StoreFolder owned, StoreFolder.Left left, LocalStore store)
      throws IOException {
    try {
      owned.dropCheckpoint(left);
    } catch (IOException e) {
      store.discard();
      throw e;
    }
  }

  private static Txid earlier(Txid one, Txid other) {
    return one.isBefore(other) ? one : other;
  }

  /** On a full disk there may be no file: what is there is of use, and the next round writes it. */
  private LocalStore remembering(LocalStore store) {
    try {
      store.name(name);
      store.remember(() -> LineageFile.bytes(parts.identity().remembered()));
    } catch (IOException e) {
      log.debug("page store of {}: {}", parts.location(), e.toString());
    }
    return store;
  }

  /** Returns up to which TXID the listing is of the replica that was known; empty if of another. */
  private Optional<Txid> provenUpTo(byte[] remembered) throws IOException {
    Lineage lineage = new Lineage();
    lineage.know(LineageFile.parse(remembered));
    Optional<Txid> proven = lineage.provenUpTo(listed.get());
    return proven.filter(txid -> lineage.compare(listed.get(), true) instanceof Lineage.Same);
  }

  /**
   * Returns which pages are in a view as they were when the store was left.
   *
   * @param since a TXID at which both are of one history
   */
  private StoreFolder.Stays stays(View view, Txid since) {
    LongPredicate isUnchanged = isUnchanged(view, since);
    return (pgno, bound) -> bound <= since.value() && isUnchanged.test(pgno);
  }

  /** Returns which pages are in a view as they were at an earlier TXID of its history. */
  private LongPredicate isUnchanged(View view, Txid since) {
    PageMap pages = view.pages();
    Optional<BitSet> changed = view.txid().equals(since) ? Optional.empty() : changed(view, since);
    return pgno -> {
      if (pgno > view.commit() || (changed.isPresent() && changed.get().get((int) (pgno - 1)))) {
        return false;
      }
      return view.txid().equals(since)
          || pgno == LockPage.pgno(view.pageSize())
          || (pages.contains(pgno) && (changed.isPresent() || !pages.bound(pgno).isAfter(since)));
    };
  }

  /** Returns which pages files between have changed; empty if not all of them are there. */
  private Optional<BitSet> changed(View view, Txid since) {
    Optional<Chain> chain = between(view, since);
    if (chain.isEmpty()) {
      return Optional.empty();
    }
    Deadline deadline = Deadline.after(INDEX_LIMIT, System::nanoTime);
    Source retrying = parts.source().with(parts.retries().until(deadline, parts.source().client()));
    try {
      BitSet changed = new BitSet();
      for (FileLoader.Loaded file : new FileLoader(retrying, deadline).load(chain.get().files())) {
        if (file.summary().header().pageSize() != view.pageSize()) {
          return Optional.empty();
        }
        PageIndex index = file.summary().index();
        for (int i = 0; i < index.count(); i++) {
          changed.set((int) (index.pgno(i) - 1));
        }
        long commit = file.summary().header().commit();
        if (commit < view.commit()) {
          changed.set((int) commit, (int) view.commit());
        }
      }
      return Optional.of(changed);
    } catch (InterruptedIOException e) {
      Thread.currentThread().interrupt();
      return Optional.empty();
    } catch (IOException e) {
      log.debug("indexes since {} of {}: {}", since, parts.location(), e.getMessage());
      return Optional.empty();
    }
  }

  /** What tells least of the time before comes first; a snapshot tells that everything changed. */
  private Optional<Chain> between(View view, Txid since) {
    List<LtxFile> levels =
        listed.get().stream()
            .filter(file -> file.name().level() < LtxFileName.SNAPSHOT_LEVEL)
            .filter(file -> !file.name().range().max().isAfter(view.txid()))
            .toList();
    List<LtxFile> later =
        levels.stream().filter(file -> file.name().range().min().isAfter(since)).toList();
    return List.of(later, levels).stream()
        .map(files -> Chain.after(since, files, List.of()))
        .filter(chain -> chain.end().equals(view.txid()))
        .findFirst();
  }
}
