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
   * @return how many pages of the view were moved to the side file
   */
  long rescue(View view, IntPredicate isLeaving, int parting) throws IOException {
    long moved;
    try {
      keep(view, isLeaving, parting);
    } finally {
      moved = move(view, isLeaving);
    }
    return moved;
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
    // One more than there is room for, where it may all be used, so that its want is noticed.
    long most = rescued.room(parting) / view.pageSize() + (parting == 1 ? 1 : 0);
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
    return rescued.put(wanted.frame(), page);
  }

  private long move(View view, IntPredicate isLeaving) throws IOException {
    while (true) {
      long[] moved = {0};
      PageMap before = view.pages();
      PageMap after =
          before.moved(
              isLeaving,
              (pgno, file, bound) -> {
                OptionalLong id = rescued.find(before.frame(pgno));
                if (id.isEmpty()) {
                  return null;
                }
                moved[0]++;
                return new PageMap.Frame(Rescued.FILE, id.getAsLong(), view.pageSize());
              });
      if (after == before || view.relocate(before, after)) {
        return moved[0];
      }
    }
  }
}
