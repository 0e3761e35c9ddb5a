package dev.sluice.cache;

import dev.sluice.ltx.Txid;
import dev.sluice.storage.Deadline;
import dev.sluice.storage.ReplicaException;
import java.io.IOException;
import java.util.Collections;
import java.util.IdentityHashMap;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.function.Supplier;

/**
 * The course of a replica as its readers see it: the latest view, which only ever moves forward,
 * the views that somebody reads, and whether it has come to its end.
 *
 * <p>It ends when the storage has another database in its place. From then on no transaction
 * begins; those that have begun go on with the view that they have. Thread-safe: what changes is
 * under this object's private lock or volatile.
 */
final class History {
  private final Object lock = new Object();

  /** Held by who publishes, also while the page store is brought up to the new view. */
  private final Object publishing = new Object();

  private final Control control;
  private final StoredPages stored;
  private final Announcer announcer;
  private final IdentityHashMap<View, Integer> holds = new IdentityHashMap<>();
  private volatile Optional<View> latest = Optional.empty();
  private volatile Optional<Supplier<ViewException>> end = Optional.empty();
  private volatile boolean isClosed;
  private volatile CompletableFuture<Boolean> change = new CompletableFuture<>();

  History(Control control, StoredPages stored, Announcer announcer) {
    this.control = control;
    this.stored = stored;
    this.announcer = announcer;
  }

  StoredPages stored() {
    return stored;
  }

  Optional<View> latest() {
    return latest;
  }

  /**
   * Makes a view the latest. With the first one the page store is opened, which may wait for
   * others: before anything is held, so that another view can be published meanwhile.
   *
   * @return false if nothing was done: it is not newer than the latest, the history has ended, or
   *     the replica was closed
   */
  boolean publish(View view) {
    if (mayPublish(view)) {
      stored.open(view);
    }
    synchronized (publishing) {
      Optional<View> before = latest;
      if (!mayPublish(view)) {
        before.ifPresent(stored::catchUp);
        return false;
      }
      stored.prepare(view);
      if (!show(view)) {
        return false;
      }
      stored.published(before, view);
    }
    announcer.published(view);
    return true;
  }

  private boolean mayPublish(View view) {
    boolean isNewer = latest.isEmpty() || latest.get().txid().isBefore(view.txid());
    return isNewer && !isClosed && end.isEmpty();
  }

  private boolean show(View view) {
    CompletableFuture<Boolean> changed;
    synchronized (lock) {
      if (!mayPublish(view) || !control.publish(view)) {
        return false;
      }
      latest = Optional.of(view);
      changed = change;
      change = new CompletableFuture<>();
    }
    changed.complete(Boolean.TRUE);
    return true;
  }

  /**
   * Ends this history.
   *
   * @param reason is asked for an exception each time one is needed
   * @return false if it had ended before
   */
  boolean end(Supplier<ViewException> reason) {
    CompletableFuture<Boolean> changed;
    synchronized (lock) {
      if (end.isPresent()) {
        return false;
      }
      end = Optional.of(reason);
      control.withdraw();
      changed = change;
    }
    changed.complete(Boolean.FALSE);
    stored.discard();
    announcer.ended(reason.get());
    return true;
  }

  /** Ends every wait; nothing is published any more. */
  void close() {
    CompletableFuture<Boolean> changed;
    synchronized (lock) {
      isClosed = true;
      changed = change;
    }
    changed.complete(Boolean.FALSE);
  }

  boolean hasEnded() {
    return end.isPresent();
  }

  /** Throws why this history has ended, if it has. */
  void requireSame() throws ViewException {
    Optional<Supplier<ViewException>> reason = end;
    if (reason.isPresent()) {
      throw reason.get().get();
    }
  }

  /** Returns the latest view as soon as it is at {@code txid} or later. */
  View awaitTxid(Txid txid, Patience patience, String location) throws IOException {
    Deadline deadline = Deadline.after(patience.limit(), System::nanoTime);
    String what = "wait for TXID " + txid + " of " + location;
    while (true) {
      CompletableFuture<Boolean> next = change;
      requireSame();
      if (isClosed) {
        throw new ReplicaException.Unavailable(what + ": closed meanwhile");
      }
      Optional<View> view = latest;
      if (view.isPresent() && !view.get().txid().isBefore(txid)) {
        return view.get();
      }
      if (!Waits.isDone(next, deadline, patience.isCancelled(), what)) {
        throw new ViewException.NotReached(
            what
                + ": not there after "
                + patience.limit().toMillis()
                + " ms, the newest is "
                + latest.map(newest -> newest.txid().toString()).orElse("not known yet"));
      }
    }
  }

  /** Keeps a view among {@link #live} until the hold is closed. */
  Hold hold(View view) {
    synchronized (lock) {
      holds.merge(view, 1, Integer::sum);
    }
    return new Hold(() -> release(view));
  }

  private void release(View view) {
    synchronized (lock) {
      holds.computeIfPresent(view, (held, count) -> count == 1 ? null : count - 1);
    }
  }

  /** Returns the views that somebody reads: the latest, those held, those pinned in C. */
  Set<View> live() {
    Set<View> live = Collections.newSetFromMap(new IdentityHashMap<>());
    synchronized (lock) {
      live.addAll(holds.keySet());
      latest.ifPresent(live::add);
    }
    live.addAll(control.pinned());
    return live;
  }
}
