package dev.sluice.cache;

import dev.sluice.cache.bulk.Pace;
import dev.sluice.cache.store.PageStore;
import java.io.IOException;
import java.io.InterruptedIOException;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;

/**
 * Reads pages of which each is a request, several at once, into the page store. Thread-safe: who
 * calls waits until they are there.
 */
final class SinglePages {
  private static final int IN_FLIGHT = 16;
  private static final long ASK_NANOS = TimeUnit.MILLISECONDS.toNanos(40);

  private final String name;
  private final Parts parts;
  private final PageReader pages;
  private final StoredPages stored;
  private final Pace pace;

  /** A page on its way. */
  private record Asked(long pgno, CompletableFuture<byte[]> page) {}

  SinglePages(String name, Parts parts, PageReader pages, Pace pace) {
    this.name = name;
    this.parts = parts;
    this.pages = pages;
    this.stored = parts.history().stored();
    this.pace = pace;
  }

  /** Has pages of a view be in the store, as far as there is room. */
  void fill(View view, PageStore store, List<Long> pgnos) throws IOException {
    ArrayDeque<Asked> asked = new ArrayDeque<>();
    for (long pgno : pgnos) {
      if (store.isFull()) {
        return;
      }
      if (asked.size() == IN_FLIGHT) {
        take(asked.remove(), view);
      }
      asked.add(new Asked(pgno, begin(view, pgno)));
    }
    while (!asked.isEmpty()) {
      take(asked.remove(), view);
    }
  }

  /**
   * Returns pages of a view, from the store or the storage, and has them in the store then.
   *
   * @throws HydrationSink.FullException if there is no room
   */
  List<byte[]> read(View view, List<Long> pgnos) throws IOException {
    List<byte[]> read = new ArrayList<>();
    for (int from = 0; from < pgnos.size(); from += IN_FLIGHT) {
      if (stored.pagesFor(view).filter(store -> !store.isFull()).isEmpty()) {
        throw new HydrationSink.FullException();
      }
      List<Asked> asked = new ArrayList<>();
      for (long pgno : pgnos.subList(from, Math.min(pgnos.size(), from + IN_FLIGHT))) {
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

  private CompletableFuture<byte[]> begin(View view, long pgno) throws InterruptedIOException {
    PageMap.Frame frame = view.pages().frame(pgno);
    long waitNanos = pace.waitNanos(frame.bytes());
    while (waitNanos > 0 && parts.closing().getCount() > 0) {
      try {
        TimeUnit.NANOSECONDS.sleep(Math.min(waitNanos, ASK_NANOS));
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
        InterruptedIOException failure = new InterruptedIOException(name + ": interrupted");
        failure.initCause(e);
        throw failure;
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
}
