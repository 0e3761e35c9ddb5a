package dev.sluice.cache;

import dev.sluice.ltx.LockPage;
import dev.sluice.storage.Deadline;
import dev.sluice.storage.ReplicaException;
import java.io.IOException;
import java.io.InterruptedIOException;
import java.util.Optional;

/**
 * The way of a page that a reader misses: from the page store, else from the frame cache, else from
 * the storage; and into the page store. Thread-safe.
 */
final class ReadPath {
  private final Parts parts;
  private final StoredPages stored;
  private final PageReader pages;

  ReadPath(Parts parts, PageReader pages) {
    this.parts = parts;
    this.stored = parts.history().stored();
    this.pages = pages;
  }

  /** As {@link Replica#read}; nobody changes the page. */
  byte[] read(View view, long pgno, Patience patience) throws IOException {
    byte[] page = new byte[view.pageSize()];
    if (stored.read(view, pgno, page)) {
      return page;
    }
    if (pgno == LockPage.pgno(view.pageSize())) {
      page = new byte[view.pageSize()];
    } else {
      Optional<byte[]> cached = pages.cached(view, pgno);
      page = cached.isPresent() ? cached.get() : fetch(view, pgno, patience);
    }
    stored.fill(view, pgno, page);
    return page;
  }

  private byte[] fetch(View view, long pgno, Patience patience) throws IOException {
    try {
      Deadline deadline = Deadline.after(patience.limit(), System::nanoTime);
      byte[] page = pages.fetch(view, pgno, deadline, patience.isCancelled());
      parts.troubles().readingIsWell();
      return page;
    } catch (IOException e) {
      noteFailed(view, e);
      throw e;
    }
  }

  /** What a view of one connection lacks, or who gave up waiting, is no trouble of the others. */
  private void noteFailed(View view, IOException failure) {
    if (failure instanceof InterruptedIOException) {
      return;
    }
    boolean isLatest = parts.history().latest().filter(newest -> newest == view).isPresent();
    if (isLatest || failure instanceof ReplicaException) {
      parts.troubles().reading(failure);
    }
    parts.announcer().failed(failure);
  }
}
