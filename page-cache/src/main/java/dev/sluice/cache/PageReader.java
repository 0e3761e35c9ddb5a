package dev.sluice.cache;

import dev.sluice.ltx.FrameDecoder;
import dev.sluice.ltx.LtxFormatException;
import dev.sluice.storage.Deadline;
import dev.sluice.storage.LtxFile;
import dev.sluice.storage.ReplicaClient;
import dev.sluice.storage.ReplicaException;
import dev.sluice.storage.RequestMeter;
import dev.sluice.storage.Retries;
import java.io.IOException;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.BooleanSupplier;

/**
 * Reads pages of views: page map to frame, frame to cache, and what is not there from the storage,
 * once for all who ask at the same time. Arrays that come out are shared: nobody writes to them.
 * Thread-safe.
 */
final class PageReader {
  private final Source source;
  private final Retries retries;
  private final BooleanSupplier isClosing;

  /**
   * Where pages come from.
   *
   * @param client makes one attempt for each call
   */
  record Source(ReplicaClient client, RequestMeter meter, FileTable files, FrameCache cache) {}

  /** Takes what says that nobody needs a second try any more. */
  PageReader(Source source, Retries retries, BooleanSupplier isClosing) {
    this.source = source;
    this.retries = retries;
    this.isClosing = isClosing;
  }

  /**
   * Returns the page if it is in memory.
   *
   * @throws ViewException.PageMissing if no file holds the page
   */
  Optional<byte[]> cached(View view, long pgno) throws ViewException {
    if (!view.pages().contains(pgno)) {
      throw new ViewException.PageMissing(what(pgno) + ": no file holds it at TXID " + view.txid());
    }
    return source.cache().find(keyOf(view, pgno));
  }

  /**
   * Returns a page that a file holds. A caller that joined another's fetch has its own deadline:
   * when that fetch gave up too early, it begins one.
   *
   * @throws ViewException.HistoryGone if the file that holds the page is gone or was replaced
   * @throws LtxFormatException if the page's frame is damaged
   * @throws ReplicaException if the storage refuses, or fails until the deadline
   */
  byte[] fetch(View view, long pgno, Deadline deadline, BooleanSupplier isCancelled)
      throws IOException {
    AtomicBoolean isMine = new AtomicBoolean();
    while (true) {
      CompletableFuture<byte[]> page =
          source
              .cache()
              .get(
                  keyOf(view, pgno),
                  () -> {
                    isMine.set(true);
                    return request(view, pgno, deadline);
                  });
      try {
        return Waits.await(page, deadline, isCancelled, what(pgno));
      } catch (ReplicaException.NotFound | ReplicaException.Conflict e) {
        throw new ViewException.HistoryGone(
            "read page " + pgno + ": history gone: " + e.getMessage(), e);
      } catch (ReplicaException.Unavailable e) {
        if (isMine.get() || deadline.hasPassed() || isClosing.getAsBoolean()) {
          throw e;
        }
      }
    }
  }

  private String what(long pgno) {
    return "read page " + pgno + " of " + source.client().location();
  }

  private static FrameCache.Key keyOf(View view, long pgno) {
    return FrameCache.frameKey(view.pages().fileNumber(pgno), view.pages().offset(pgno));
  }

  private CompletableFuture<byte[]> request(View view, long pgno, Deadline deadline) {
    LtxFile file = source.files().file(view.pages().fileNumber(pgno));
    long offset = view.pages().offset(pgno);
    int frameBytes = view.pages().frameBytes(pgno);
    String name = source.client().location(file.name());
    source.meter().beginRound();
    return retries
        .until(deadline, source.client())
        .read(file, offset, frameBytes)
        .thenApply(
            frame -> {
              byte[] page = new byte[view.pageSize()];
              try {
                FrameDecoder.decode(
                    frame, 0, frameBytes, pgno, view.pageSize(), page, 0, name, offset);
              } catch (LtxFormatException e) {
                throw new CompletionException(e);
              }
              return page;
            });
  }
}
