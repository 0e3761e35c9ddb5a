package dev.sluice.cache;

import dev.sluice.ltx.FrameDecoder;
import dev.sluice.ltx.LtxFormatException;
import dev.sluice.storage.Deadline;
import dev.sluice.storage.LtxFile;
import dev.sluice.storage.ReplicaException;
import dev.sluice.storage.Retries;
import java.io.IOException;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.BooleanSupplier;

/**
 * Reads pages of views: page map to frame, frame to cache, and what is not there from the storage,
 * once for all who ask at the same time; from the side file where the storage may not have it any
 * more. Where a file is gone the page is looked for in others. Arrays that come out are shared:
 * nobody writes to them. Thread-safe.
 */
final class PageReader {
  private static final Duration BACKGROUND_LIMIT = Duration.ofSeconds(30);

  private final Parts parts;
  private final Source source;
  private final Retries retries;
  private final Rescued rescued;
  private final Recovery recovery;
  private final AtomicInteger waiting = new AtomicInteger();

  /** Takes how reads are tried again, which is more often than whole listings. */
  PageReader(Parts parts, Retries retries, Rescued rescued, Recovery recovery) {
    this.parts = parts;
    this.source = parts.source();
    this.retries = retries;
    this.rescued = rescued;
    this.recovery = recovery;
  }

  /**
   * Returns the page if it is in memory.
   *
   * @throws ViewException.PageMissing if no file holds the page
   */
  Optional<byte[]> cached(View view, long pgno) throws ViewException {
    PageMap pages = view.pages();
    if (!pages.contains(pgno)) {
      throw new ViewException.PageMissing(what(pgno) + ": no file holds it at TXID " + view.txid());
    }
    return source.cache().find(keyOf(pages.frame(pgno)));
  }

  /**
   * Returns a page that a file holds. A caller that joined another's fetch has its own deadline:
   * when that fetch gave up too early, it begins one.
   *
   * @throws ViewException.HistoryGone if the file that holds the page is gone or was replaced, and
   *     no other holds it
   * @throws LtxFormatException if the page's frame is damaged
   * @throws ReplicaException if the storage refuses, or fails until the deadline
   */
  byte[] fetch(View view, long pgno, Deadline deadline, BooleanSupplier isCancelled)
      throws IOException {
    waiting.incrementAndGet();
    try {
      return fetchPatiently(view, pgno, deadline, isCancelled);
    } finally {
      waiting.decrementAndGet();
    }
  }

  private byte[] fetchPatiently(
      View view, long pgno, Deadline deadline, BooleanSupplier isCancelled) throws IOException {
    Recovery.Tries tries = new Recovery.Tries();
    Optional<Recovery.Missing> gone = Optional.empty();
    boolean isReadAgain = false;
    while (true) {
      PageMap.Frame frame = view.pages().frame(pgno);
      AtomicBoolean isMine = new AtomicBoolean();
      try {
        CompletableFuture<byte[]> page = fetch(view, pgno, frame, deadline, isMine);
        return Waits.await(page, deadline, parts.closing(), isCancelled, what(pgno));
      } catch (ReplicaException.NotFound | ReplicaException.Conflict e) {
        Recovery.Missing missing = new Recovery.Missing(view, pgno, frame, what(pgno), e);
        gone = Optional.of(missing);
        if (!missing.hasMoved()) {
          recovery.await(missing, tries, deadline, isCancelled);
        }
        missing.requireTime(deadline);
      } catch (LtxFormatException e) {
        // Perhaps it was damaged on its way only.
        gone = Optional.empty();
        if (isReadAgain) {
          throw e;
        }
        isReadAgain = true;
      } catch (ReplicaException.Unavailable e) {
        if (gone.isPresent() && !gone.get().hasMoved()) {
          gone.get().requireTime(deadline, e);
        }
        if (isMine.get() || deadline.hasPassed()) {
          throw e;
        }
        parts.requireOpen();
      }
    }
  }

  /** Returns how many callers wait for pages now. */
  int waiting() {
    return waiting.get();
  }

  /** Returns when a fetch that nobody waits for is given up. */
  Deadline attemptDeadline() {
    return Deadline.after(BACKGROUND_LIMIT, System::nanoTime);
  }

  /**
   * Begins to fetch a page from where it is now, or joins who does.
   *
   * @param isMine is set if a fetch begins
   * @return fails with {@link ReplicaException.NotFound} or {@link ReplicaException.Conflict} if
   *     the file is gone
   */
  CompletableFuture<byte[]> fetch(
      View view, long pgno, PageMap.Frame frame, Deadline deadline, AtomicBoolean isMine) {
    return source
        .cache()
        .get(
            keyOf(frame),
            () -> {
              isMine.set(true);
              return frame.file() == Rescued.FILE
                  ? kept(frame)
                  : request(view, pgno, frame, deadline);
            });
  }

  /** On a thread of ours: no interrupt closes the side file, and no caller waits for its disk. */
  private CompletableFuture<byte[]> kept(PageMap.Frame frame) {
    CompletableFuture<byte[]> page = new CompletableFuture<>();
    try {
      parts.executor().execute(() -> readKept(frame, page));
    } catch (RejectedExecutionException e) {
      page.completeExceptionally(
          new ReplicaException.Unavailable(parts.location() + ": closed", e));
    }
    return page;
  }

  private void readKept(PageMap.Frame frame, CompletableFuture<byte[]> page) {
    try {
      page.complete(rescued.read(frame));
    } catch (ReplicaException | RuntimeException | Error e) {
      page.completeExceptionally(e);
    }
  }

  private String what(long pgno) {
    return "read page " + pgno + " of " + source.location();
  }

  private static FrameCache.Key keyOf(PageMap.Frame frame) {
    return FrameCache.frameKey(frame.file(), frame.offset());
  }

  private CompletableFuture<byte[]> request(
      View view, long pgno, PageMap.Frame frame, Deadline deadline) {
    Optional<LtxFile> file = source.files().find(frame.file());
    if (file.isEmpty()) {
      return CompletableFuture.failedFuture(
          new ReplicaException.NotFound("a file that nobody held"));
    }
    String name = source.location(file.get());
    source.meter().beginRound();
    return retries
        .until(deadline, source.client())
        .read(file.get(), frame.offset(), frame.bytes())
        .thenApply(
            bytes -> {
              byte[] page = new byte[view.pageSize()];
              try {
                FrameDecoder.decode(
                    bytes, 0, frame.bytes(), pgno, view.pageSize(), page, 0, name, frame.offset());
              } catch (LtxFormatException e) {
                throw new CompletionException(e);
              }
              return page;
            });
  }
}
