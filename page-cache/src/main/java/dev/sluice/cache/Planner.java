package dev.sluice.cache;

import dev.sluice.ltx.LtxFormatException;
import dev.sluice.ltx.Txid;
import dev.sluice.storage.Deadline;
import dev.sluice.storage.Listings;
import dev.sluice.storage.LtxFile;
import dev.sluice.storage.PlanException;
import dev.sluice.storage.ReplicaClient;
import dev.sluice.storage.ReplicaException;
import dev.sluice.storage.RequestMeter;
import dev.sluice.storage.RestorePlan;
import dev.sluice.storage.Target;
import dev.sluice.storage.TimeTarget;
import java.io.IOException;
import java.io.InterruptedIOException;
import java.time.Duration;
import java.time.Instant;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.function.Consumer;
import java.util.stream.Stream;

/**
 * Finds the files to read for a target, again and again while a replica changes under it: an empty
 * replica is waited for, a gap and a file that is gone lead to a fresh listing, a malformed file to
 * a plan without it. Changes with each plan; confined to one thread at a time.
 */
public final class Planner {
  private static final Duration EMPTY_PAUSE = Duration.ofMillis(250);
  private static final Duration GONE_PAUSE = Duration.ofMillis(100);

  /**
   * Too little time for a storage to answer in: a retried call may end this long before its
   * deadline.
   */
  static final Duration LITTLE = Duration.ofMillis(500);

  /** How long a message waits for the times that it is to name. */
  private static final Duration DATES_WAIT = Duration.ofSeconds(5);

  /** Before the second and third listing of a history with a gap: all within two seconds. */
  private static final List<Duration> GAP_PAUSES =
      List.of(Duration.ofMillis(500), Duration.ofSeconds(1));

  private final RequestMeter meter;
  private final Target target;
  private final CountDownLatch closing;
  private ReplicaClient client;
  private Deadline deadline;
  private Consumer<Optional<IOException>> troubles = trouble -> {};

  /** What the last plan failed with, while it is being mended. */
  private Optional<ViewException> postponed = Optional.empty();

  private final Set<LtxFile> avoided = new HashSet<>();
  private Optional<LtxFormatException> malformed = Optional.empty();
  private Optional<List<LtxFile>> listing = Optional.empty();
  private boolean isFresh;
  private int gaps;

  /**
   * @param client one that tries again until the deadline
   * @param closing opens when nobody wants the plan any more
   */
  public Planner(
      ReplicaClient client,
      RequestMeter meter,
      Target target,
      Deadline deadline,
      CountDownLatch closing) {
    this.client = client;
    this.meter = meter;
    this.target = target;
    this.deadline = deadline;
    this.closing = closing;
  }

  /**
   * Takes a listing from earlier; it is replaced by a fresh one if it does not lead to the target.
   */
  void startFrom(List<LtxFile> known) {
    listing = Optional.of(known);
  }

  /**
   * Names who is told what hinders the next plan while it is waited for, and empty when it is
   * there.
   */
  void onTrouble(Consumer<Optional<IOException>> listener) {
    troubles = listener;
  }

  /** Returns the listing of the last plan, also of one that failed, if it was made for it. */
  Optional<List<LtxFile>> freshListing() {
    return isFresh ? listing : Optional.empty();
  }

  /**
   * Goes on with another deadline.
   *
   * @param retrying a client that tries again until then
   */
  public void continueUntil(Deadline next, ReplicaClient retrying) {
    deadline = next;
    client = retrying;
  }

  /**
   * Returns the next plan.
   *
   * @throws ViewException.NoFiles if there were none until the deadline
   * @throws ViewException.Gap if the history still had a gap in the third listing
   * @throws PlanException.NotReachable if no file ends at the target
   * @throws LtxFormatException if there is no plan without the file that was malformed
   */
  public RestorePlan plan() throws IOException {
    while (true) {
      List<LtxFile> files = listing.isPresent() ? listing.get() : list();
      try {
        RestorePlan plan = planFrom(files);
        troubles.accept(Optional.empty());
        postponed = postponed.filter(ViewException.HistoryGone.class::isInstance);
        return plan;
      } catch (PlanException.NoFiles e) {
        awaitFirstFile(e);
      } catch (PlanException.Gap e) {
        throwMalformed();
        awaitRepair(e);
      } catch (PlanException.NotReachable e) {
        throwMalformed();
        if (isFresh) {
          throw dated(e, files);
        }
      }
      listing = Optional.empty();
    }
  }

  /** Gives the TXIDs that a message names their times, as far as they can be had. */
  private PlanException.NotReachable dated(PlanException.NotReachable e, List<LtxFile> files)
      throws InterruptedIOException {
    List<Txid> near = Stream.of(e.below(), e.above()).flatMap(Optional::stream).toList();
    Deadline soon = Deadline.after(shorter(DATES_WAIT, deadline.remaining()), System::nanoTime);
    CompletableFuture<Map<Txid, Instant>> times =
        new TimeTarget(client, meter).timesOf(files, near);
    try {
      return e.dated(Waits.await(times, soon, "read headers of " + client.location()));
    } catch (InterruptedIOException interrupted) {
      throw interrupted;
    } catch (IOException unknown) {
      return e;
    } finally {
      times.cancel(true);
    }
  }

  private static Duration shorter(Duration one, Duration other) {
    return one.compareTo(other) < 0 ? one : other;
  }

  private List<LtxFile> list() throws IOException {
    meter.beginRound();
    Duration left = deadline.remaining();
    try {
      List<LtxFile> files = cancelling(Listings.all(client), "list " + client.location());
      listing = Optional.of(files);
      isFresh = true;
      return files;
    } catch (ReplicaException.Unavailable e) {
      throw lastWord(e, left);
    }
  }

  /**
   * Returns what to say when the storage did not answer: the trouble that took the time before, if
   * there was little time left for the answer.
   *
   * @param left how much time the storage had
   */
  IOException lastWord(ReplicaException.Unavailable late, Duration left) {
    if (postponed.isEmpty() || left.compareTo(LITTLE) > 0) {
      return late;
    }
    ViewException trouble = postponed.get();
    trouble.addSuppressed(late);
    return trouble;
  }

  private void postpone(ViewException trouble) {
    postponed = Optional.of(trouble);
    troubles.accept(Optional.of(trouble));
  }

  private RestorePlan planFrom(List<LtxFile> files) throws IOException {
    if (target instanceof Target.Before before) {
      TimeTarget search = new TimeTarget(client, meter);
      String what = "find " + target + " in " + client.location();
      return RestorePlan.of(
          files,
          new Target.AtTxid(cancelling(search.resolve(files, before, avoided), what)),
          avoided);
    }
    return RestorePlan.of(files, (Target.ByTxid) target, avoided);
  }

  private <T> T cancelling(CompletableFuture<T> request, String what) throws IOException {
    try {
      return Waits.await(request, deadline, what);
    } finally {
      request.cancel(true);
    }
  }

  private void awaitFirstFile(PlanException.NoFiles e) throws IOException {
    String what = "open " + client.location() + ": no files yet";
    if (deadline.hasPassed()) {
      throw new ViewException.NoFiles(what, e);
    }
    postpone(new ViewException.NoFiles(what, e));
    Waits.pause(EMPTY_PAUSE, deadline, closing, what);
    if (deadline.hasPassed()) {
      throw new ViewException.NoFiles(what, e);
    }
  }

  private void awaitRepair(PlanException.Gap e) throws IOException {
    String what = "open " + client.location() + ": " + e.getMessage();
    if (gaps == GAP_PAUSES.size() || deadline.hasPassed()) {
      throw new ViewException.Gap(what, e);
    }
    postpone(new ViewException.Gap(what, e));
    Waits.pause(GAP_PAUSES.get(gaps), deadline, closing, what);
    gaps++;
  }

  private void throwMalformed() throws LtxFormatException {
    if (malformed.isPresent()) {
      throw malformed.get();
    }
  }

  /** Says that a file of the last plan is malformed: later plans do without it. */
  public void avoid(LtxFile file, LtxFormatException reason) {
    avoided.add(file);
    malformed = Optional.of(malformed.orElse(reason));
  }

  /**
   * Says that a file of the last plan is gone or was replaced: the next plan is made from a fresh
   * listing.
   *
   * @throws ViewException.HistoryGone if the deadline has passed
   */
  public void relist(IOException gone) throws IOException {
    String what = "open " + client.location() + ": history gone: " + gone.getMessage();
    postpone(new ViewException.HistoryGone(what, gone));
    Waits.pause(GONE_PAUSE, deadline, closing, what);
    if (deadline.hasPassed()) {
      throw new ViewException.HistoryGone(what, gone);
    }
    listing = Optional.empty();
  }
}
