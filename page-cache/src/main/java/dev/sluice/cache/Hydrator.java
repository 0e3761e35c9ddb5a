package dev.sluice.cache;

import dev.sluice.cache.bulk.BulkReader;
import dev.sluice.cache.bulk.Pace;
import dev.sluice.cache.store.PageStore;
import dev.sluice.cache.store.Proof;
import dev.sluice.ltx.LtxFormatException;
import dev.sluice.storage.LtxFile;
import dev.sluice.storage.ReplicaException;
import java.io.IOException;
import java.io.InterruptedIOException;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
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

  /** Of a file of which a quarter is wanted the rest comes along. */
  private static final int WHOLE_SHARE = 4;

  private static final long WHOLE_BYTES_MAX = 1 << 20;
  private static final int PAGES_IN_FLIGHT = 16;
  private static final Duration FIRST_PAUSE = Duration.ofSeconds(1);
  private static final Duration LAST_PAUSE = Duration.ofSeconds(30);
  private static final Duration MALFORMED_PAUSE = Duration.ofMinutes(1);
  private static final Duration LONGEST_PAUSE = Duration.ofHours(1);
  private static final long ASK_NANOS = TimeUnit.MILLISECONDS.toNanos(40);
  private static final Duration WAKE = Duration.ofSeconds(1);

  private final String name;
  private final Parts parts;
  private final PageReader pages;
  private final StoredPages stored;
  private final BulkReader reader;
  private final Pace pace;
  private final Semaphore news = new Semaphore(0);
  private final MalformedFiles malformed;

  /** Asks for the interior pages, once it has begun. */
  private Optional<Thread> interior = Optional.empty();

  private boolean isTooSmallTold;
  private long hydratedEvictions;
  private volatile Optional<View> hydrated = Optional.empty();

  /** What of one file is wanted. */
  private static final class Wanted {
    long absentPages;
    long bytes;
  }

  /**
   * @param reader whole files, at a pace that leaves others alone
   * @param pace the same
   */
  Hydrator(String name, Parts parts, PageReader pages, BulkReader reader, Pace pace) {
    this.name = name;
    this.parts = parts;
    this.pages = pages;
    this.stored = parts.history().stored();
    this.reader = reader;
    this.pace = pace;
    this.malformed = new MalformedFiles(System::nanoTime, MALFORMED_PAUSE, LONGEST_PAUSE);
  }

  /** Says that there is something new to do; any thread may call. */
  void wake() {
    news.release();
  }

  /** Returns whether the store holds all of a view, proven; any thread may call. */
  boolean hasAllOf(View view) {
    return hydrated.filter(whole -> whole == view).isPresent();
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
    if (store.isEmpty() || hasAllOf(latest.get()) || store.get().isFull()) {
      return true;
    }
    beginInterior(latest.get());
    if (!store.get().hasRoomFor(latest.get().commit())) {
      tellTooSmall(latest.get());
      return true;
    }
    return round(latest.get(), store.get());
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
      new InteriorPages(view, this::page).walk();
    } catch (IOException e) {
      log.debug("{}: interior pages: {}", name, e.getMessage());
    } catch (RuntimeException e) {
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
      throw interrupted(e);
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

  private InterruptedIOException interrupted(InterruptedException e) {
    Thread.currentThread().interrupt();
    InterruptedIOException failure = new InterruptedIOException(name + ": interrupted");
    failure.initCause(e);
    return failure;
  }

  private boolean round(View view, PageStore store) throws IOException {
    PageMap map = view.pages();
    long evictions = store.evictions();
    Map<Integer, Wanted> wanted = wanted(view, map, store);
    if (wanted.isEmpty()) {
      conclude(view, evictions);
      return true;
    }
    boolean isAllThere = wanted.values().stream().allMatch(each -> each.absentPages == 0);
    List<LtxFile> whole = new ArrayList<>();
    List<Integer> others = new ArrayList<>();
    malformed.retain(wantedFiles(wanted));
    Set<LtxFile> unusable = malformed.unusable();
    for (Map.Entry<Integer, Wanted> entry : wanted.entrySet()) {
      Optional<LtxFile> file = parts.source().files().find(entry.getKey());
      if (entry.getKey() == Rescued.FILE) {
        others.add(entry.getKey());
      } else if (file.isPresent() && !unusable.contains(file.get())) {
        boolean isMuch = entry.getValue().bytes * WHOLE_SHARE >= file.get().size();
        if (isAllThere || isMuch || file.get().size() <= WHOLE_BYTES_MAX) {
          whole.add(file.get());
        } else {
          others.add(entry.getKey());
        }
      }
    }
    readWhole(whole, view, map, store);
    readPages(others, view, map, store);
    return whole.isEmpty() && others.isEmpty();
  }

  private List<LtxFile> wantedFiles(Map<Integer, Wanted> wanted) {
    return wanted.keySet().stream()
        .flatMap(number -> parts.source().files().find(number).stream())
        .toList();
  }

  private void conclude(View view, long evictions) {
    if (parts.history().latest().filter(latest -> latest == view).isEmpty()) {
      return;
    }
    boolean isFirst = hydrated.isEmpty();
    hydratedEvictions = evictions;
    hydrated = Optional.of(view);
    parts.announcer().hydrated(view);
    if (isFirst) {
      stored.checkpoint(System.nanoTime());
    } else {
      stored.checkpointIfDue(System.nanoTime());
    }
  }

  /** Returns what is wanted, by the number of its file. */
  private Map<Integer, Wanted> wanted(View view, PageMap map, PageStore store) throws IOException {
    Map<Integer, Wanted> wanted = new TreeMap<>();
    Optional<View> before =
        hydrated.filter(whole -> whole.leadsTo(view) && hydratedEvictions == store.evictions());
    if (before.isPresent()) {
      map.forEachChanged(
          before.get().pages(),
          before.get().txid(),
          pgno -> {
            if (map.contains(pgno)) {
              want(view, pgno, map.frame(pgno), store, wanted);
            }
          });
    } else {
      map.forEach(file -> true, (pgno, frame, bound) -> want(view, pgno, frame, store, wanted));
    }
    parts.requireOpen();
    return wanted;
  }

  /** What was rescued has no file any more that could prove it. */
  private void want(
      View view, long pgno, PageMap.Frame frame, PageStore store, Map<Integer, Wanted> wanted) {
    boolean isThere = store.contains(pgno) || stored.recover(view, pgno);
    boolean isProven =
        isThere && (frame.file() == Rescued.FILE || store.proof(pgno) == Proof.PROVEN);
    if (!isProven) {
      Wanted ofFile = wanted.computeIfAbsent(frame.file(), file -> new Wanted());
      ofFile.absentPages += isThere ? 0 : 1;
      ofFile.bytes += frame.bytes();
    }
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
        new HydrationSink(parts.source().files(), map, store, stored.admission(view));
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
    }
  }

  /** A page on its way. */
  private record Asked(long pgno, CompletableFuture<byte[]> page) {}

  private void readPages(List<Integer> files, View view, PageMap map, PageStore store)
      throws IOException {
    List<Long> pgnos = new ArrayList<>();
    map.forEach(
        files::contains,
        (pgno, frame, bound) -> {
          if (!store.contains(pgno)) {
            pgnos.add(pgno);
          }
        });
    read(pgnos, view, store);
  }

  /** Reads single pages, several at once, into the store. */
  private void read(List<Long> pgnos, View view, PageStore store) throws IOException {
    ArrayDeque<Asked> asked = new ArrayDeque<>();
    for (long pgno : pgnos) {
      if (store.isFull()) {
        return;
      }
      if (asked.size() == PAGES_IN_FLIGHT) {
        take(asked.remove(), view);
      }
      asked.add(new Asked(pgno, begin(view, pgno)));
    }
    while (!asked.isEmpty()) {
      take(asked.remove(), view);
    }
  }

  private CompletableFuture<byte[]> begin(View view, long pgno) throws InterruptedIOException {
    PageMap.Frame frame = view.pages().frame(pgno);
    long waitNanos = pace.waitNanos(frame.bytes());
    while (waitNanos > 0 && parts.closing().getCount() > 0) {
      try {
        TimeUnit.NANOSECONDS.sleep(Math.min(waitNanos, ASK_NANOS));
      } catch (InterruptedException e) {
        throw interrupted(e);
      }
      waitNanos = pace.waitNanos(frame.bytes());
    }
    return pages.fetch(view, pgno, frame, pages.attemptDeadline(), new AtomicBoolean());
  }

  private byte[] take(Asked asked, View view) throws IOException {
    byte[] page =
        Waits.await(asked.page(), pages.attemptDeadline(), parts.closing(), () -> false, name);
    stored.fill(view, asked.pgno(), page);
    return page;
  }

  /** Returns pages of a view, from the store or the storage, and has them in the store then. */
  private List<byte[]> page(View view, List<Long> pgnos) throws IOException {
    List<byte[]> read = new ArrayList<>();
    for (int from = 0; from < pgnos.size(); from += PAGES_IN_FLIGHT) {
      if (stored.pagesFor(view).filter(store -> !store.isFull()).isEmpty()) {
        throw new HydrationSink.FullException();
      }
      List<Long> some = pgnos.subList(from, Math.min(pgnos.size(), from + PAGES_IN_FLIGHT));
      List<Asked> asked = new ArrayList<>();
      for (long pgno : some) {
        byte[] page = new byte[view.pageSize()];
        asked.add(
            new Asked(
                pgno,
                stored.read(view, pgno, page)
                    ? CompletableFuture.completedFuture(page)
                    : begin(view, pgno)));
      }
      for (Asked each : asked) {
        read.add(take(each, view));
      }
    }
    return read;
  }
}
