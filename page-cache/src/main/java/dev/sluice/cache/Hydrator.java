package dev.sluice.cache;

import dev.sluice.cache.bulk.BulkReader;
import dev.sluice.cache.bulk.Pace;
import dev.sluice.cache.store.LocalStore;
import dev.sluice.cache.store.PageStore;
import dev.sluice.ltx.LtxFormatException;
import dev.sluice.storage.LtxFile;
import dev.sluice.storage.ReplicaException;
import java.io.IOException;
import java.io.InterruptedIOException;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Fills the page store in the background until the whole latest view is there and every page of it
 * is proven by the checksum of its file; then keeps up with what is published.
 *
 * <p>Interior pages of b-trees are asked for at once, because every query needs them, by a thread
 * of their own: each is a request, and of a near storage whole files are sooner here than those.
 * Meanwhile come files of which much is wanted, whole; then what is wanted of the others, page by
 * page; and in the end these others whole too, for the sake of the proof. A round begins with the
 * files of which something is not there or not proven yet. A file that is malformed is left alone
 * for ever longer. Nothing goes from a store that is full for what nobody has asked for.
 *
 * <p>Runs on a thread of its own, confined to it, but for what says how far it is and for the
 * interior pages, whose thread ends before it does.
 */
final class Hydrator implements Runnable {
  private static final Logger log = LoggerFactory.getLogger(Hydrator.class);

  private static final Duration FIRST_PAUSE = Duration.ofSeconds(1);
  private static final Duration LAST_PAUSE = Duration.ofSeconds(30);
  private static final Duration MALFORMED_PAUSE = Duration.ofMinutes(1);
  private static final Duration LONGEST_PAUSE = Duration.ofHours(1);
  private static final Duration HOPELESS_PAUSE = Duration.ofSeconds(30);
  private static final Duration WAKE = Duration.ofSeconds(1);

  private final String name;
  private final Parts parts;
  private final SinglePages pages;
  private final StoredPages stored;
  private final BulkReader reader;
  private final Semaphore news = new Semaphore(0);
  private final MalformedFiles malformed;
  private final HydrationProgress progress;

  /** Asks for the interior pages, once it has begun. */
  private Optional<Thread> interior = Optional.empty();

  private boolean knowsProgress;
  private boolean isTooSmallTold;

  /** A view of which only what is malformed is wanted. */
  private Optional<View> hopeless = Optional.empty();

  private long hopelessNanos;
  private volatile Optional<Whole> hydrated = Optional.empty();

  /** A view of which all was there and proven, when the store had lost pages so often. */
  private record Whole(View view, PageStore store, long losses) {
    boolean isThereYet() {
      return store.losses() == losses;
    }
  }

  /**
   * @param reader whole files, at that pace
   * @param pace one that leaves others alone
   */
  Hydrator(String name, Parts parts, PageReader pages, BulkReader reader, Pace pace) {
    this.name = name;
    this.parts = parts;
    this.pages = new SinglePages(name, parts, pages, pace);
    this.stored = parts.history().stored();
    this.reader = reader;
    this.progress = new HydrationProgress(this::keep, System::nanoTime);
    this.malformed = new MalformedFiles(System::nanoTime, MALFORMED_PAUSE, LONGEST_PAUSE);
  }

  /** Says that there is something new to do; any thread may call. */
  void wake() {
    news.release();
  }

  /** Returns whether the store holds all of a view, proven; any thread may call. */
  boolean hasAllOf(View view) {
    return hydrated.filter(whole -> whole.view() == view && whole.isThereYet()).isPresent();
  }

  /** Keeps how far files are, for the next process; any thread may call. */
  void keepProgress() {
    progress.keep();
  }

  @Override
  public void run() {
    try {
      keepUpUntilClosed();
    } finally {
      interior.ifPresent(Hydrator::end);
    }
  }

  private static void end(Thread interior) {
    interior.interrupt();
    boolean isInterrupted = Thread.interrupted();
    while (interior.isAlive()) {
      try {
        interior.join();
      } catch (InterruptedException e) {
        isInterrupted = true;
      }
    }
    if (isInterrupted) {
      Thread.currentThread().interrupt();
    }
  }

  private void keepUpUntilClosed() {
    Duration pause = FIRST_PAUSE;
    while (parts.closing().getCount() > 0 && !parts.history().hasEnded()) {
      try {
        if (keepUp()) {
          awaitNews();
        }
        pause = FIRST_PAUSE;
      } catch (InterruptedIOException e) {
        return;
      } catch (IOException e) {
        log.debug("{}: {}", name, e.getMessage());
        parts.announcer().failed(e);
        rest(pause);
        pause = longer(pause);
      } catch (RuntimeException | OutOfMemoryError e) {
        log.error("hydrating {}", parts.location(), e);
        rest(LAST_PAUSE);
      }
    }
  }

  private static Duration longer(Duration pause) {
    Duration twice = pause.multipliedBy(2);
    return twice.compareTo(LAST_PAUSE) < 0 ? twice : LAST_PAUSE;
  }

  /** Makes a round if there is something to do; returns whether there is nothing for now. */
  private boolean keepUp() throws IOException {
    Optional<View> latest = parts.history().latest();
    Optional<PageStore> store = latest.flatMap(stored::pagesFor);
    if (store.isEmpty()
        || hasAllOf(latest.get())
        || isHopeless(latest.get())
        || store.get().isFull()) {
      return true;
    }
    beginInterior(latest.get());
    if (!store.get().hasRoomFor(latest.get().commit())) {
      tellTooSmall(latest.get());
      return true;
    }
    return round(latest.get(), store.get());
  }

  private boolean isHopeless(View view) {
    return hopeless.filter(each -> each == view).isPresent()
        && System.nanoTime() - hopelessNanos < HOPELESS_PAUSE.toNanos();
  }

  private void beginInterior(View view) {
    if (interior.isEmpty()) {
      Thread walk = new Thread(() -> walkInterior(view), name + "-interior");
      walk.setDaemon(true);
      interior = Optional.of(walk);
      walk.start();
    }
  }

  /** What fails here comes with its file. */
  private void walkInterior(View view) {
    try {
      new InteriorPages(view, pages::read).walk();
    } catch (IOException e) {
      log.debug("{}: interior pages: {}", name, e.getMessage());
    } catch (RuntimeException | OutOfMemoryError e) {
      log.error("interior pages of {}", parts.location(), e);
    }
  }

  private void tellTooSmall(View view) {
    if (!isTooSmallTold) {
      isTooSmallTold = true;
      log.info(
          "hydrating {}: store_size has no room for {}: interior pages only",
          parts.location(),
          view);
    }
  }

  private void awaitNews() throws InterruptedIOException {
    try {
      if (news.tryAcquire(WAKE.toNanos(), TimeUnit.NANOSECONDS)) {
        news.drainPermits();
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      InterruptedIOException failure = new InterruptedIOException(name + ": interrupted");
      failure.initCause(e);
      throw failure;
    }
  }

  /** After a failure nothing is tried for a while, whatever is published. */
  private void rest(Duration pause) {
    try {
      boolean unused = parts.closing().await(pause.toNanos(), TimeUnit.NANOSECONDS);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  private boolean round(View view, PageStore store) throws IOException {
    learnProgress();
    long losses = store.losses();
    PageMap map = view.pages();
    WantedPages wanted = wanted(view, map, store);
    if (wanted.isEmpty()) {
      conclude(new Whole(view, store, losses));
      return true;
    }
    FileTable table = parts.source().files();
    List<LtxFile> files = wanted.files(table);
    malformed.retain(files);
    progress.retain(files);
    WantedPages.Plan plan = wanted.plan(table, malformed.unusable());
    if (plan.isEmpty()) {
      hopeless = Optional.of(view);
      hopelessNanos = System.nanoTime();
      return true;
    }
    readWhole(plan.whole(), view, map, store);
    pages.fill(view, store, wanted.absentOf(plan.others()));
    return false;
  }

  private void conclude(Whole whole) {
    if (parts.history().latest().filter(latest -> latest == whole.view()).isEmpty()) {
      return;
    }
    boolean isFirst = hydrated.isEmpty();
    hydrated = Optional.of(whole);
    parts.announcer().hydrated(whole.view());
    if (isFirst) {
      parts.storeUpkeep().checkpoint();
    } else {
      parts.storeUpkeep().checkpointIfDue();
    }
  }

  /** Takes over, once, what a former process has left. */
  private void learnProgress() throws IOException {
    Optional<LocalStore> store = stored.store();
    if (!knowsProgress && store.isPresent()) {
      knowsProgress = true;
      progress.know(store.get().progress());
    }
  }

  private void keep(byte[] bytes) {
    try {
      Optional<LocalStore> store = stored.store();
      if (store.isPresent()) {
        store.get().keepProgress(bytes);
      }
    } catch (IOException e) {
      log.debug("{}: {}", name, e.toString()); // it costs the next process a few requests
    }
  }

  private WantedPages wanted(View view, PageMap map, PageStore store) throws IOException {
    WantedPages wanted = new WantedPages(view, map, stored, store);
    Optional<Whole> before =
        hydrated.filter(whole -> whole.view().leadsTo(view) && whole.isThereYet());
    if (before.isPresent()) {
      wanted.addChanged(before.get().view());
    } else {
      wanted.addAll();
    }
    parts.requireOpen();
    return wanted;
  }

  /** Says so once, for as long as the file is wanted. */
  private void noteMalformed(LtxFile file, LtxFormatException e) {
    if (malformed.reason(file::equals).isEmpty()) {
      log.warn("hydrating: {}", e.getMessage());
    }
    malformed.add(file, e);
  }

  private void readWhole(List<LtxFile> files, View view, PageMap map, PageStore store)
      throws IOException {
    if (files.isEmpty()) {
      return;
    }
    HydrationSink sink =
        new HydrationSink(parts.source().files(), map, store, stored.admission(view), progress);
    try {
      reader.read(files, sink);
    } catch (HydrationSink.FullException e) {
      log.debug("{}: the page store is full", name);
    } catch (LtxFormatException e) {
      LtxFile damaged = reader.failed().orElseThrow();
      sink.disprove(damaged);
      noteMalformed(damaged, e);
    } catch (ReplicaException.NotFound | ReplicaException.Conflict e) {
      // Its pages are looked for elsewhere as soon as somebody lists.
      throw new ReplicaException.Unavailable(String.valueOf(e.getMessage()), e);
    } finally {
      progress.keep();
    }
  }
}
