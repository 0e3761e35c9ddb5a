package dev.sluice.cache;

import dev.sluice.cache.store.LocalStore;
import dev.sluice.cache.store.PageStore;
import dev.sluice.cache.store.Proof;
import dev.sluice.cache.store.StoreReaders;
import dev.sluice.ltx.LockPage;
import java.io.IOException;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.LongUnaryOperator;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * What of a replica is in its page store: keeps the rule that a page which is there is the newest
 * version known.
 *
 * <p>A view that is about to be published becomes the newest known first; then every page that has
 * changed is cleared; only then is it published. A page is stored only if it has not changed up to
 * the newest view known at that moment, which is asked under the lock of the page's extent. So a
 * page that is stored beside a publication either sees the new view and is refused, or is there
 * before its extent is looked through and is cleared.
 *
 * <p>The store is opened beside all that, since it may take its time: nobody finds a page of it
 * until a view was prepared, and if that is a later one than the view for which it was opened, it
 * is brought up to it first.
 *
 * <p>Thread-safe; {@link #prepare} and {@link #published} are called by one thread at a time.
 */
final class StoredPages implements AutoCloseable {
  private static final Logger log = LoggerFactory.getLogger(StoredPages.class);

  /** That part of the page cache, at most, is for what one publication changes. */
  private static final int KEPT_SHARE = 8;

  private final String name;
  private final Source source;
  private final StoreReaders readers;
  private final Opener opener;
  private volatile Optional<View> newest = Optional.empty();

  /** The newest view up to which everything that has changed was cleared. */
  private volatile Optional<View> prepared = Optional.empty();

  private volatile Runnable afterPublished = () -> {};

  private final AtomicBoolean isOpening = new AtomicBoolean();

  /** All three change under the lock of this object. */
  private volatile Optional<LocalStore> store = Optional.empty();

  /** What was opened and is not yet the store. */
  private volatile Optional<Opened> opened = Optional.empty();

  private volatile boolean isDiscarded;

  /** Under the lock of this object: what is opened too late is left to the next process. */
  private boolean isClosed;

  /** A store, and the view of which its pages are. */
  private record Opened(LocalStore store, View view) {}

  /** Opens the store of a replica whose first view is known. */
  @FunctionalInterface
  interface Opener {
    /**
     * Returns a store of which every page is in the view as it is, or empty if there is none.
     *
     * @throws IOException if there should be one
     */
    Optional<LocalStore> open(View first) throws IOException;
  }

  /**
   * Takes what it works with.
   *
   * @param readers of the store, in C; closed here
   */
  StoredPages(Source source, StoreReaders readers, Opener opener) {
    this.name = source.location();
    this.source = source;
    this.readers = readers;
    this.opener = opener;
  }

  /** Returns the store, once a view was published and if there is one. */
  Optional<LocalStore> store() {
    return store;
  }

  /** Sees to it that every page in the store is as a view has it, which nobody has seen yet. */
  void prepare(View incoming) {
    if (Long.compareUnsigned(incoming.txid().value(), LocalStore.TXID_MAX) > 0) {
      discard();
    }
    Optional<View> before = newest;
    newest = Optional.of(incoming);
    Optional<LocalStore> open = store;
    if (before.isPresent() && open.isPresent()) {
      bringUp(open.get(), before.get(), incoming);
    } else {
      catchUp(incoming);
    }
    prepared = Optional.of(incoming);
  }

  /** Has a store that was opened while others went on be of the newest view; called as they are. */
  void catchUp(View latest) {
    Optional<Opened> late = opened;
    if (late.isPresent()) {
      if (late.get().view() != latest) {
        bringUp(late.get().store(), late.get().view(), latest);
      }
      use(late.get().store());
    }
  }

  private void bringUp(LocalStore open, View before, View incoming) {
    try {
      clearChanged(open.pages(), before, incoming);
    } catch (RuntimeException | Error e) {
      discard(); // nobody knows what was not cleared
      throw e;
    }
    publish(open, incoming);
  }

  private synchronized void use(LocalStore late) {
    if (!isDiscarded) {
      store = Optional.of(late);
      opened = Optional.empty();
    }
  }

  private void publish(LocalStore open, View view) {
    try {
      open.publish(view.txid().value(), view.commit());
    } catch (IOException e) {
      log.warn("page store of {}: {}; it is left alone", name, e.getMessage());
      discard();
    }
  }

  /**
   * Opens the store, once, for the view that is to be prepared first; waits for the disk, for who
   * is just closing it, and for the storage. Whoever prepares another view meanwhile does without
   * it until it has caught up.
   */
  void open(View first) {
    if (!isOpening.compareAndSet(false, true)) {
      return;
    }
    try {
      Optional<LocalStore> found = isDiscarded ? Optional.empty() : opener.open(first);
      boolean isLeft;
      synchronized (this) {
        if (!isDiscarded) {
          opened = found.map(store -> new Opened(store, first));
          return;
        }
        isLeft = isClosed;
      }
      if (isLeft) {
        close(found);
      } else {
        discard(found);
      }
    } catch (IOException e) {
      if (!isDiscarded) {
        log.warn("no page store of {}: {}; pages are read from the replica", name, e.toString());
      }
    } catch (RuntimeException e) {
      log.error("no page store of {}; pages are read from the replica", name, e);
    }
  }

  private void clearChanged(PageStore from, View before, View incoming) {
    long most = source.cache().maximumBytes() / KEPT_SHARE / before.pageSize();
    long[] kept = {0};
    incoming
        .pages()
        .forEachChanged(
            before.pages(),
            before.txid(),
            pgno -> {
              kept[0] += kept[0] < most && keep(from, before, pgno) ? 1 : 0;
              from.clear(pgno);
            });
  }

  /** Puts a page into the page cache, for those who read a view in which it has not changed yet. */
  private boolean keep(PageStore from, View view, long pgno) {
    byte[] page = new byte[from.contains(pgno) ? view.pageSize() : 0];
    if (page.length == 0
        || !view.pages().contains(pgno)
        || !from.read(pgno, view.txid().value(), page)) {
      return false;
    }
    PageMap.Frame frame = view.pages().frame(pgno);
    source.cache().put(FrameCache.frameKey(frame.file(), frame.offset()), page);
    return true;
  }

  /**
   * Takes note of a view that was just published.
   *
   * @param before the view that was the latest until then, if there was one
   */
  void published(Optional<View> before, View view) {
    if (before.isPresent() && store.isPresent()) {
      refill(before.get(), view);
    }
    afterPublished.run();
  }

  /**
   * Stores what came along with a view that was just published and has changed since another.
   *
   * @param before the view that was the latest until then
   */
  private void refill(View before, View view) {
    PageMap pages = view.pages();
    pages.forEachChanged(
        before.pages(),
        before.txid(),
        pgno -> {
          if (pages.contains(pgno)) {
            PageMap.Frame frame = pages.frame(pgno);
            source
                .cache()
                .find(FrameCache.frameKey(frame.file(), frame.offset()))
                .ifPresent(page -> fill(view, pgno, page, proof(frame.file())));
          }
        });
  }

  /**
   * Returns whether a page was in the store as a view has it.
   *
   * @param dst undefined if not
   */
  boolean read(View view, long pgno, byte[] dst) {
    Optional<PageStore> from = pagesFor(view);
    return from.isPresent()
        && isKnown(view)
        && (from.get().contains(pgno) || from.get().recover(pgno, each -> bound(view, each)))
        && from.get().read(pgno, view.txid().value(), dst);
  }

  /**
   * What is in the store says nothing of the time after the newest view that it is prepared for.
   */
  private boolean isKnown(View view) {
    return prepared.filter(known -> !view.txid().isAfter(known.txid())).isPresent();
  }

  /** Stores a page of a view if it is still the newest version known. */
  void fill(View view, long pgno, byte[] page) {
    fill(view, pgno, page, Proof.NONE);
  }

  private void fill(View view, long pgno, byte[] page, Proof proof) {
    pagesFor(view).ifPresent(into -> into.fill(pgno, page, 0, proof, each -> bound(view, each)));
  }

  /** A small file is read whole at once, and verified. */
  private Proof proof(int number) {
    return source.files().find(number).filter(source.fingerprints()::isProven).isPresent()
        ? Proof.PROVEN
        : Proof.NONE;
  }

  /** Returns whether a page that was there before a restart is there again. */
  boolean recover(View view, long pgno) {
    Optional<PageStore> from = pagesFor(view);
    return from.isPresent() && from.get().recover(pgno, each -> bound(view, each));
  }

  /** Returns by which bound pages of a view may be in the store, each at the moment it is asked. */
  LongUnaryOperator admission(View view) {
    return pgno -> bound(view, pgno);
  }

  /** Has somebody told after each publication. */
  void onPublished(Runnable listener) {
    afterPublished = listener;
  }

  /** Returns the store for pages of a view's size. */
  Optional<PageStore> pagesFor(View view) {
    return store.map(LocalStore::pages).filter(pages -> pages.pageSize() == view.pageSize());
  }

  /** Returns by which bound a page of a view may be in the store now; 0 if it may not. */
  private long bound(View view, long pgno) {
    View known = newest.orElseThrow();
    PageMap pages = known.pages();
    if (pgno > known.commit() || known.txid().isBefore(view.txid())) {
      return 0;
    }
    if (pgno == LockPage.pgno(known.pageSize())) {
      return 1;
    }
    if (!pages.contains(pgno) || pages.bound(pgno).isAfter(view.txid())) {
      return 0;
    }
    boolean isSame = view.leadsTo(known) || view.pages().frame(pgno).equals(pages.frame(pgno));
    return isSame ? pages.bound(pgno).value() : 0;
  }

  /** Has nobody find a page in the store any more, now and later. Idempotent. */
  void discard() {
    announceClose();
    readers.disable();
    discard(taken());
  }

  /** Says that this will be closed soon. */
  void announceClose() {
    store.ifPresent(LocalStore::announceClose);
    opened.ifPresent(each -> each.store().announceClose());
  }

  /** Stores nothing any more, and leaves what is there to the next process. Idempotent. */
  @Override
  public void close() {
    Optional<LocalStore> open;
    synchronized (this) {
      isClosed = true;
      open = taken();
    }
    try {
      close(open);
    } finally {
      readers.close();
    }
  }

  private void close(Optional<LocalStore> open) {
    try {
      if (open.isPresent()) {
        open.get().close();
      }
    } catch (IOException e) {
      log.warn("closing the page store of {}: {}", name, e.getMessage());
    }
  }

  private synchronized Optional<LocalStore> taken() {
    Optional<LocalStore> open = store.or(() -> opened.map(Opened::store));
    isDiscarded = true;
    store = Optional.empty();
    opened = Optional.empty();
    return open;
  }

  private void discard(Optional<LocalStore> open) {
    try {
      if (open.isPresent()) {
        open.get().discard();
      }
    } catch (IOException e) {
      log.warn("discarding the page store of {}: {}", name, e.getMessage());
    }
  }
}
