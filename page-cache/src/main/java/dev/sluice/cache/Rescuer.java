package dev.sluice.cache;

import dev.sluice.storage.Deadline;
import java.io.IOException;
import java.io.InterruptedIOException;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalLong;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.IntPredicate;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Fetches the pages of a view that only leaving files hold and keeps them, as many as there is room
 * for. Confined to one thread at a time.
 */
final class Rescuer {
  private static final Logger log = LoggerFactory.getLogger(Rescuer.class);
  private static final int IN_FLIGHT_MAX = 16;

  private final PageReader pages;
  private final Rescued rescued;
  private final Deadline deadline;
  private long kept;

  Rescuer(PageReader pages, Rescued rescued, Deadline deadline) {
    this.pages = pages;
    this.rescued = rescued;
    this.deadline = deadline;
  }

  private record Wanted(PageMap.Frame frame, CompletableFuture<byte[]> page) {}

  /**
   * Keeps what a view needs of files.
   *
   * @param isLeaving says it of a file's number
   * @param parting how many equal parts the room has of which one may be used
   */
  void rescue(View view, IntPredicate isLeaving, int parting) throws IOException {
    try {
      keep(view, isLeaving, parting);
    } finally {
      move(view, isLeaving);
    }
  }

  /** Returns how many pages are kept that were not before, even if not all could be. */
  long kept() {
    return kept;
  }

  private void keep(View view, IntPredicate isLeaving, int parting) throws IOException {
    ArrayDeque<Wanted> wanted = new ArrayDeque<>();
    for (long pgno : pgnos(view, isLeaving, parting)) {
      if (wanted.size() == IN_FLIGHT_MAX && !keep(wanted.remove())) {
        break;
      }
      if (deadline.hasPassed()) {
        break;
      }
      PageMap.Frame frame = view.pages().frame(pgno);
      if (isLeaving.test(frame.file()) && rescued.find(frame).isEmpty()) {
        wanted.add(
            new Wanted(frame, pages.fetch(view, pgno, frame, deadline, new AtomicBoolean())));
      }
    }
    while (!wanted.isEmpty() && keep(wanted.remove())) {
      // Each is kept.
    }
  }

  /** Returns the pages that are to be kept, no more than there is room for. */
  private List<Long> pgnos(View view, IntPredicate isLeaving, int parting) {
    long most = rescued.pageRoom(view.pageSize(), parting);
    List<Long> pgnos = new ArrayList<>();
    view.pages()
        .forEach(
            isLeaving,
            (pgno, frame, bound) -> {
              if (rescued.find(frame).isPresent() || pgnos.size() < most) {
                pgnos.add(pgno);
              }
            });
    return pgnos;
  }

  /** Returns false if there is no use in going on. A page that cannot be fetched is left. */
  private boolean keep(Wanted wanted) throws IOException {
    byte[] page;
    try {
      page = Waits.await(wanted.page(), deadline, "keep a page for a pinned transaction");
    } catch (InterruptedIOException e) {
      throw e;
    } catch (IOException e) {
      log.debug("a page could not be kept: {}", e.getMessage());
      return !deadline.hasPassed();
    }
    boolean isKept = rescued.put(wanted.frame(), page);
    kept += isKept ? 1 : 0;
    return isKept;
  }

  private void move(View view, IntPredicate isLeaving) throws IOException {
    PageMap before;
    PageMap after;
    do {
      PageMap now = view.pages();
      before = now;
      after =
          now.moved(
              isLeaving,
              (pgno, file, bound) -> {
                OptionalLong id = rescued.find(now.frame(pgno));
                return id.isPresent()
                    ? new PageMap.Frame(Rescued.FILE, id.getAsLong(), view.pageSize())
                    : null;
              });
    } while (after != before && !view.relocate(before, after));
  }
}
