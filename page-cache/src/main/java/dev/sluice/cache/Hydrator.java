package dev.sluice.cache;

import dev.sluice.cache.bulk.BulkReader;
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
 * <p>Interior pages of b-trees come first, because every query needs them; then files of which much
 * is wanted, whole; then what is wanted of the others, page by page; and in the end these others
 * whole too, for the sake of the proof. A round begins with what is there, so that one that was
 * broken off, by the end of the process too, is not begun anew. Nothing goes from a store that is
 * full for what nobody has asked for.
 *
 * <p>Runs on a thread of its own, confined to it, but for what says how far it is.
 */
final class Hydrator implements Runnable {
  private static final Logger log = LoggerFactory.getLogger(Hydrator.class);

  /** Of a file of which a quarter is wanted the rest comes along. */
  private static final int WHOLE_SHARE = 4;

  private static final long WHOLE_BYTES_MAX = 1 << 20;
  private static final int PAGES_IN_FLIGHT = 16;
  private static final Duration FIRST_PAUSE = Duration.ofSeconds(1);
  private static final Duration LAST_PAUSE = Duration.ofSeconds(30);
  private static final Duration WAKE = Duration.ofSeconds(1);

  private final String name;
  private final Parts parts;
  private final PageReader pages;
  private final StoredPages stored;
  private final BulkReader reader;
  private final Semaphore news = new Semaphore(0);
  private volatile Optional<View> hydrated = Optional.empty();

  /** What of one file is wanted. */
  private static final class Wanted {
    long absentPages;
    long bytes;
  }

  /**
   * @param reader whole files, at a pace that leaves others alone
   */
  Hydrator(String name, Parts parts, PageReader pages, BulkReader reader) {
    this.name = name;
    this.parts = parts;
    this.pages = pages;
    this.stored = parts.history().stored();
    this.reader = reader;
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
    Duration pause = FIRST_PAUSE;
    boolean isInteriorDone = false;
    while (parts.closing().getCount() > 0 && !parts.history().hasEnded()) {
      try {
        Optional<View> latest = parts.history().latest();
        Optional<PageStore> store = latest.flatMap(stored::pagesFor);
        if (store.isEmpty() || hasAllOf(latest.get()) || store.get().isFull()) {
          await(WAKE);
          continue;
        }
        if (!isInteriorDone) {
          new InteriorPages(latest.get(), this::page).walk();
          isInteriorDone = true;
        }
        round(latest.get(), store.get());
        pause = FIRST_PAUSE;
      } catch (InterruptedIOException e) {
        return;
      } catch (IOException e) {
        log.debug("{}: {}", name, e.getMessage());
        parts.announcer().failed(e);
        await(pause);
        pause =
            pause.multipliedBy(2).compareTo(LAST_PAUSE) < 0 ? pause.multipliedBy(2) : LAST_PAUSE;
      } catch (RuntimeException e) {
        log.error("hydrating {}", parts.location(), e);
        await(LAST_PAUSE);
      }
    }
  }

  private void await(Duration most) {
    try {
      if (news.tryAcquire(most.toNanos(), TimeUnit.NANOSECONDS)) {
        news.drainPermits();
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  private void round(View view, PageStore store) throws IOException {
    PageMap map = view.pages();
    Map<Integer, Wanted> wanted = wanted(view, map, store);
    if (wanted.isEmpty()) {
      if (parts.history().latest().filter(latest -> latest == view).isPresent()) {
        hydrated = Optional.of(view);
        parts.announcer().hydrated(view);
        stored.checkpoint(System.nanoTime());
      }
      return;
    }
    boolean isAllThere = wanted.values().stream().allMatch(each -> each.absentPages == 0);
    List<LtxFile> whole = new ArrayList<>();
    List<Integer> others = new ArrayList<>();
    for (Map.Entry<Integer, Wanted> entry : wanted.entrySet()) {
      Optional<LtxFile> file = parts.source().files().find(entry.getKey());
      if (file.isEmpty()) {
        continue; // it has left since, and its pages are elsewhere
      }
      boolean isMuch = entry.getValue().bytes * WHOLE_SHARE >= file.get().size();
      if (isAllThere || isMuch || file.get().size() <= WHOLE_BYTES_MAX) {
        whole.add(file.get());
      } else {
        others.add(entry.getKey());
      }
    }
    readWhole(whole, view, map, store);
    readPages(others, view, map, store);
  }

  /** Returns what is wanted, by the number of its file. */
  private Map<Integer, Wanted> wanted(View view, PageMap map, PageStore store) throws IOException {
    Map<Integer, Wanted> wanted = new TreeMap<>();
    map.forEach(
        file -> true,
        (pgno, frame, bound) -> {
          boolean isThere = store.contains(pgno) || stored.recover(view, pgno);
          if (!isThere || store.proof(pgno) != Proof.PROVEN) {
            Wanted ofFile = wanted.computeIfAbsent(frame.file(), file -> new Wanted());
            ofFile.absentPages += isThere ? 0 : 1;
            ofFile.bytes += frame.bytes();
          }
        });
    wanted.remove(Rescued.FILE);
    parts.requireOpen();
    return wanted;
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
      reader.failed().ifPresent(sink::disprove);
      log.warn("hydrating: {}", e.getMessage());
      throw e;
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

  private CompletableFuture<byte[]> begin(View view, long pgno) {
    return pages.fetch(
        view, pgno, view.pages().frame(pgno), pages.attemptDeadline(), new AtomicBoolean());
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
