package dev.sluice.cache;

import dev.sluice.ltx.LtxFormatException;
import dev.sluice.storage.Deadline;
import dev.sluice.storage.LtxFile;
import dev.sluice.storage.LtxFileName;
import dev.sluice.storage.PlanException;
import dev.sluice.storage.ReplicaClient;
import dev.sluice.storage.ReplicaException;
import dev.sluice.storage.RestorePlan;
import dev.sluice.storage.Target;
import java.io.IOException;
import java.io.InterruptedIOException;
import java.lang.ref.WeakReference;
import java.time.Duration;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.RejectedExecutionException;

/**
 * Opens views at targets: the first latest view, and those of the past. Concurrent callers of one
 * target share one opening, on a thread of the replica, and a view that somebody still has is not
 * opened again. Thread-safe: what changes is concurrent, volatile or under this object's private
 * lock.
 */
final class Openings {
  private final Object lock = new Object();
  private final Source source;
  private final Parts parts;
  private final ConcurrentHashMap<Target, PendingOpening> pending = new ConcurrentHashMap<>();

  /** By the files of their plan, because two databases may have had the same TXID. */
  private final Map<List<Integer>, Known> views = new HashMap<>();

  private volatile int[] listing = new int[0];

  /** A view that was opened, and whether it was read by nobody when that was last asked. */
  private record Known(WeakReference<View> view, boolean isIdle) {}

  Openings(Parts parts) {
    this.parts = parts;
    this.source = parts.source();
  }

  /** As {@link Replica#at(Target, Patience)}. */
  View at(Target target, Patience patience) throws IOException {
    Deadline deadline = Deadline.after(patience.limit(), System::nanoTime);
    String what = "open " + target + " of " + source.location();
    while (true) {
      parts.history().requireSame();
      if (target instanceof Target.Latest && parts.history().latest().isPresent()) {
        return parts.history().latest().get();
      }
      PendingOpening mine = new PendingOpening(deadline);
      PendingOpening other = pending.putIfAbsent(target, mine);
      if (other == null) {
        start(target, mine);
        return mine.await(deadline, patience.isCancelled(), what);
      }
      try {
        return other.await(deadline, patience.isCancelled(), what);
      } catch (ReplicaException.Unavailable | ViewException e) {
        if (!other.endedForWantOfTime(e)
            || deadline.hasPassed()
            || parts.closing().getCount() == 0) {
          throw e;
        }
      }
    }
  }

  private void start(Target target, PendingOpening opening) {
    try {
      parts.executor().execute(() -> run(target, opening));
    } catch (RejectedExecutionException e) {
      pending.remove(target, opening);
      opening
          .result()
          .completeExceptionally(
              new ReplicaException.Unavailable(source.location() + ": closed", e));
    } catch (RuntimeException | Error e) {
      pending.remove(target, opening);
      opening.result().completeExceptionally(e); // no thread can be made
    }
  }

  private void run(Target target, PendingOpening opening) {
    parts.inFlight().enter();
    try {
      View view = open(target, opening);
      parts.troubles().readingIsWell();
      pending.remove(target, opening);
      opening.result().complete(view);
    } catch (InterruptedIOException e) {
      pending.remove(target, opening);
      opening.result().completeExceptionally(parts.closed(e)); // the interrupt is not the caller's
    } catch (IOException | RuntimeException | Error e) {
      if (target instanceof Target.Latest || e instanceof ReplicaException) {
        parts.troubles().reading(e);
      }
      pending.remove(target, opening);
      opening.result().completeExceptionally(e);
    } finally {
      parts.inFlight().leave();
    }
  }

  private View open(Target target, PendingOpening opening) throws IOException {
    ReplicaClient retrying =
        parts
            .retries()
            .until(opening.deadline(), new TroubleNotingClient(source.client(), opening::note));
    Planner planner =
        new Planner(retrying, source.meter(), target, opening.deadline(), parts.closing());
    planner.onTrouble(opening::note);
    if (target instanceof Target.AtTxid && listing.length > 0) {
      planner.startFrom(listed());
    }
    long askedNanos = parts.ticker().getAsLong();
    while (true) {
      RestorePlan plan = plan(planner, askedNanos);
      Duration left = opening.deadline().remaining();
      try {
        View view = view(plan, retrying, opening.deadline());
        parts.identity().know(plan.files());
        if (!(target instanceof Target.Latest)) {
          return view;
        }
        if (isNewest(plan)) {
          view.prove(askedNanos);
        }
        return published(view);
      } catch (MalformedFileException e) {
        planner.avoid(e.file(), e.reason());
      } catch (ReplicaException.NotFound | ReplicaException.Conflict e) {
        planner.relist(e);
      } catch (ReplicaException.Unavailable e) {
        throw planner.lastWord(e, left);
      }
    }
  }

  /** Whatever comes of a plan, what its listing says of the replica is true. */
  private RestorePlan plan(Planner planner, long askedNanos) throws IOException {
    try {
      RestorePlan plan = planner.plan();
      learnFrom(planner, askedNanos);
      return plan;
    } catch (PlanException | ViewException | LtxFormatException e) {
      learnFrom(planner, askedNanos);
      throw e;
    }
  }

  private void learnFrom(Planner planner, long askedNanos) throws IOException {
    Optional<List<LtxFile>> listed = planner.freshListing();
    if (listed.isPresent() && parts.identity().require(listed.get(), askedNanos)) {
      learn(listed.get());
    }
  }

  /** It is not where a malformed file is done without. */
  private boolean isNewest(RestorePlan plan) {
    return listed().stream().noneMatch(file -> file.name().range().max().isAfter(plan.txid()));
  }

  private View published(View view) throws IOException {
    parts.history().publish(view);
    parts.history().requireSame();
    return parts
        .history()
        .latest()
        .orElseThrow(
            () -> new ReplicaException.Unavailable(source.location() + ": closed meanwhile"));
  }

  private View view(RestorePlan plan, ReplicaClient retrying, Deadline deadline)
      throws IOException {
    List<Integer> key = Arrays.stream(source.files().numbersOf(plan.files())).boxed().toList();
    Optional<View> known = find(key);
    if (known.isPresent()) {
      return known.get();
    }
    Opening opening = new Opening(source.with(retrying), deadline);
    return shared(key, opening.open(plan.files(), dated(plan)));
  }

  /** Who finds a view gets the time to hold it. */
  private Optional<View> find(List<Integer> key) {
    synchronized (lock) {
      Known known = views.computeIfPresent(key, (same, found) -> new Known(found.view(), false));
      return Optional.ofNullable(known == null ? null : known.view().get());
    }
  }

  /** A snapshot is dated by the file of another level that ends where it does, if there is one. */
  private Optional<LtxFile> dated(RestorePlan plan) {
    LtxFile newest = plan.files().get(plan.files().size() - 1);
    if (newest.name().level() < LtxFileName.SNAPSHOT_LEVEL) {
      return Optional.empty();
    }
    return listed().stream()
        .filter(file -> file.name().level() < LtxFileName.SNAPSHOT_LEVEL)
        .filter(file -> file.name().range().max().equals(plan.txid()))
        .findFirst();
  }

  private View shared(List<Integer> key, View view) {
    synchronized (lock) {
      Optional<View> earlier = find(key);
      if (earlier.isPresent()) {
        return earlier.get();
      }
      views.put(key, new Known(new WeakReference<>(view), false));
      return view;
    }
  }

  /**
   * Forgets views that nobody reads, at the second call that finds them so: one that was just
   * opened gets the time to be held.
   *
   * @param live the views that somebody reads
   * @return the views that are still known, and so may be read
   */
  List<View> forgetIdle(Set<View> live) {
    synchronized (lock) {
      views.values().removeIf(known -> known.isIdle() && !isLive(known, live));
      views.replaceAll((key, known) -> new Known(known.view(), !isLive(known, live)));
      return views.values().stream()
          .flatMap(known -> Optional.ofNullable(known.view().get()).stream())
          .toList();
    }
  }

  private static boolean isLive(Known known, Set<View> live) {
    View view = known.view().get();
    return view != null && live.contains(view);
  }

  /** Takes a complete listing of the same replica. */
  void learn(List<LtxFile> listed) {
    listing = source.files().numbersOf(listed);
  }

  /** Returns the files of the last complete listing. */
  List<LtxFile> listed() {
    return Arrays.stream(listing).mapToObj(source.files()::file).toList();
  }

  /** Returns the numbers of the files of the last complete listing. */
  int[] listedNumbers() {
    return listing.clone();
  }

  /** Ends every wait; the executor is ended by whoever made it. */
  void close() {
    pending.values().forEach(opening -> opening.result().cancel(true));
  }
}
