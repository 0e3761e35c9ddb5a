package dev.sluice.cache;

import dev.sluice.storage.Deadline;
import dev.sluice.storage.Listings;
import dev.sluice.storage.LtxFile;
import dev.sluice.storage.ReplicaClient;
import dev.sluice.storage.ReplicaException;
import java.io.IOException;
import java.io.InterruptedIOException;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.RejectedExecutionException;
import java.util.function.BooleanSupplier;

/**
 * Finds a view's pages again after a file that holds some of them turned out to be gone: lists the
 * replica and moves every page of the view that is in a file which is not listed. Readers of one
 * view share one search. Thread-safe.
 */
final class Recovery {

  /** A listing may lag behind a compaction for a moment: before the second and the third one. */
  private static final List<Duration> PAUSES =
      List.of(Duration.ofMillis(100), Duration.ofMillis(200));

  /** Between tries at a file that is listed and yet is not there. */
  private static final Duration LONGEST_PAUSE = Duration.ofMillis(250);

  private static final int DOUBLINGS_MAX = 5;

  private final Parts parts;
  private final Relocating relocating;
  private final Duration limit;
  private final ConcurrentHashMap<View, CompletableFuture<Findings>> searches =
      new ConcurrentHashMap<>();

  /** Makes what moves the pages of views by a complete listing. */
  interface Relocating {
    Relocator by(List<LtxFile> listed, ReplicaClient retrying, Deadline deadline);
  }

  /** Takes how long one search may last. */
  Recovery(Parts parts, Relocating relocating, Duration limit) {
    this.parts = parts;
    this.relocating = relocating;
    this.limit = limit;
  }

  /** The searches for one page so far. Confined to one thread. */
  static final class Tries {
    private int searches;

    /** Those that found no trace of the file, nor a listed file that is not there. */
    private int absences;
  }

  /**
   * What a search has found out.
   *
   * @param listed the numbers of the files that are there, ascending
   * @param isSure whether every listed file that was asked for was there too
   */
  @SuppressWarnings("ArrayRecordComponent") // compared by nobody
  private record Findings(int[] listed, boolean isSure) {

    boolean isAbsent(int file) {
      return isSure && Arrays.binarySearch(listed, file) < 0;
    }
  }

  /**
   * Returns when it is worth while to read a page again whose file is gone.
   *
   * @param tries the same object for each call for one page
   * @throws ViewException.HistoryGone if listings show that nothing holds the page any more
   * @throws ViewException.Replaced if that is because another database has taken the place
   * @throws ReplicaException.Unavailable at the deadline, if that is not sure
   */
  void await(Missing missing, Tries tries, Deadline deadline, BooleanSupplier isCancelled)
      throws IOException {
    long begunNanos = System.nanoTime();
    Findings found = search(missing, deadline, isCancelled);
    if (missing.hasMoved()) {
      return;
    }
    boolean isAbsent = found.isAbsent(missing.frame().file());
    if (isAbsent) {
      tries.absences++;
      if (tries.absences > PAUSES.size() || missing.view().isLost(missing.frame().file())) {
        missing.view().lose(missing.frame().file());
        throw missing.historyGone();
      }
    }
    missing.requireTime(deadline);
    Duration pause =
        tries.searches < PAUSES.size()
            ? PAUSES.get(tries.searches)
            : shorter(
                LONGEST_PAUSE,
                PAUSES.get(0).multipliedBy(1L << Math.min(tries.searches, DOUBLINGS_MAX)));
    tries.searches++;
    // Listings that are to agree lie apart; at a file that is there the search was pause enough.
    Duration searched = Duration.ofNanos(System.nanoTime() - begunNanos);
    Duration left = isAbsent ? pause : pause.minus(searched);
    Waits.pause(
        left.isNegative() ? Duration.ZERO : left,
        deadline,
        parts.closing(),
        isCancelled,
        missing.what());
  }

  private static Duration shorter(Duration one, Duration other) {
    return one.compareTo(other) < 0 ? one : other;
  }

  /** A page that could not be read because its file is gone. */
  record Missing(View view, long pgno, PageMap.Frame frame, String what, IOException reason) {

    boolean hasMoved() {
      return !view.pages().frame(pgno).equals(frame);
    }

    /** Until a listing has shown that the file is not there, and no other, it may come back. */
    void requireTime(Deadline deadline) throws ReplicaException.Unavailable {
      if (deadline.hasPassed()) {
        throw new ReplicaException.Unavailable(message(), reason);
      }
    }

    /** As the other, where the time was over in what came after the page was missed. */
    void requireTime(Deadline deadline, ReplicaException.Unavailable since)
        throws ReplicaException.Unavailable {
      if (deadline.hasPassed()) {
        throw new ReplicaException.Unavailable(
            message() + "; since then: " + since.getMessage(), since);
      }
    }

    private String message() {
      return what + ": history gone, or not there for the moment: " + reason.getMessage();
    }

    ViewException historyGone() {
      return new ViewException.HistoryGone(
          what + ": history gone: TXID " + view.txid() + " needs " + reason.getMessage(), reason);
    }
  }

  private Findings search(Missing missing, Deadline deadline, BooleanSupplier isCancelled)
      throws IOException {
    while (true) {
      CompletableFuture<Findings> mine = new CompletableFuture<>();
      CompletableFuture<Findings> other = searches.putIfAbsent(missing.view(), mine);
      if (other == null) {
        start(missing.view(), mine);
      }
      try {
        return Waits.await(other == null ? mine : other, deadline, isCancelled, missing.what());
      } catch (ReplicaException.Unavailable e) {
        missing.requireTime(deadline, e);
        if (other == null) {
          throw e;
        }
        parts.requireOpen();
      }
    }
  }

  private void start(View view, CompletableFuture<Findings> result) {
    try {
      parts.executor().execute(() -> run(view, result));
    } catch (RejectedExecutionException e) {
      searches.remove(view, result);
      result.completeExceptionally(
          new ReplicaException.Unavailable(parts.location() + ": closed", e));
    } catch (RuntimeException | Error e) {
      searches.remove(view, result);
      result.completeExceptionally(e); // no thread can be made
    }
  }

  private void run(View view, CompletableFuture<Findings> result) {
    parts.inFlight().enter();
    try {
      Findings found = relocate(view);
      searches.remove(view, result);
      result.complete(found);
    } catch (InterruptedIOException e) {
      searches.remove(view, result);
      result.completeExceptionally(parts.closed(e)); // the interrupt is not the caller's
    } catch (IOException | RuntimeException | Error e) {
      searches.remove(view, result);
      result.completeExceptionally(e);
    } finally {
      parts.inFlight().leave();
    }
  }

  /**
   * Returns false of an empty listing, which says nothing: a directory may be away for a while. One
   * that is doubted alone is no more than a file that was not there.
   */
  private boolean isOfTheSame(List<LtxFile> listed, long askedNanos) throws IOException {
    try {
      return parts.identity().require(listed, askedNanos);
    } catch (ViewException.HistoryGone e) {
      parts.history().requireSame();
      return false;
    }
  }

  private Findings relocate(View view) throws IOException {
    Source source = parts.source();
    Deadline deadline = Deadline.after(limit, System::nanoTime);
    ReplicaClient retrying = parts.retries().until(deadline, source.client());
    source.meter().beginRound();
    long askedNanos = parts.ticker().getAsLong();
    List<LtxFile> listed =
        Waits.await(Listings.all(retrying), deadline, "list " + parts.location());
    if (!isOfTheSame(listed, askedNanos)) {
      return new Findings(new int[0], !listed.isEmpty());
    }
    int[] present = source.files().numbersOf(listed);
    Arrays.sort(present);
    AbsenceNotingClient noting = new AbsenceNotingClient(retrying);
    long moved =
        relocating
            .by(listed, noting, deadline)
            .relocate(view, file -> Arrays.binarySearch(present, file) < 0);
    parts.announcer().relocated(moved);
    return new Findings(present, !noting.hasMissed());
  }
}
