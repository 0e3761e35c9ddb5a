package dev.sluice.replicator;

import dev.sluice.ltx.Txid;
import dev.sluice.replicator.DatabaseStatus.Phase;
import dev.sluice.storage.ReplicaClient;
import java.io.IOException;
import java.nio.file.Files;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Consumer;

/**
 * Replicates one database: opens it when it is there, has it captured and shipped, and begins again
 * after what went wrong.
 *
 * <p>All of it is one {@link #step}, which is done whenever something may have changed, and never
 * twice at once; what takes long is a job, whose end is such a change. {@link #changed}, {@link
 * #sync}, {@link #end} and {@link #status} are thread-safe.
 */
final class DatabaseTask {
  private static final int BURST = 60;
  private static final long ASKED_NANOS = TimeUnit.MILLISECONDS.toNanos(4);
  private static final long ASKED_UNHELD_NANOS = TimeUnit.MILLISECONDS.toNanos(200);

  private final DatabaseSettings settings;
  private final Counters counters;
  private final RemoteReplica replica;
  private final ReplicaUpkeep upkeep;
  private final Workers workers;
  private final Announcements announcements;
  private final Serial serial;
  private final Jobs jobs;
  private final Asked<Txid> asked = new Asked<>();
  private final CompletableFuture<Void> ended = new CompletableFuture<>();
  private final AtomicBoolean isHinted = new AtomicBoolean();
  private final Troubles troubles;
  private final LeftSpool left;
  private final Opening opening;
  private final Standing standing;
  private final Progress progress;
  private final Ending ending;
  private final Stop stop;

  private Optional<OpenDatabase> open = Optional.empty();
  private Optional<CaptureLoop> loop = Optional.empty();
  private Optional<OpenDatabase> leaving = Optional.empty();

  /** What an upload failed with while a job had the capture. */
  private Optional<Throwable> shippingFailure = Optional.empty();

  private boolean isEnding;
  private boolean wasCaptured;

  /** Takes what to replicate, and to where; the client is closed at the end. */
  DatabaseTask(
      DatabaseSettings settings,
      ReplicaClient client,
      Workers workers,
      ReplicatorListener listener,
      Consumer<Enum<?>> steps) {
    this.settings = settings;
    this.counters = new Counters();
    this.replica = new RemoteReplica(settings, counters.metered(client), steps);
    this.workers = workers;
    this.serial = new Serial(workers, this::step);
    this.ending = new Ending(serial);
    this.jobs = new Jobs(serial::wake);
    TroubleLog troubleLog = new TroubleLog(settings.path(), counters);
    this.upkeep = new ReplicaUpkeep(replica, workers, jobs, troubleLog);
    this.announcements = new Announcements(listener);
    this.stop = new Stop(replica, workers, jobs);
    long now = System.nanoTime();
    this.troubles = new Troubles(settings.path(), troubleLog, now);
    this.left = new LeftSpool(settings);
    TokenBucket tokens = new TokenBucket(settings.syncInterval(), BURST, now);
    this.opening =
        new Opening(new OpenDatabase.Setup(settings, replica, tokens, workers, jobs, steps), left);
    this.standing = new Standing(settings.path(), replica.location());
    this.progress = new Progress(standing.status(phase(), Optional.empty(), now), now);
  }

  DatabaseSettings settings() {
    return settings;
  }

  /** Says that the database may have changed. */
  void changed() {
    isHinted.set(true);
    serial.wake();
  }

  /** Returns a future of the TXID with which the replica has all that is committed now. */
  CompletableFuture<Txid> sync() {
    CompletableFuture<Txid> done = asked.add();
    serial.wake();
    return done;
  }

  /** Returns a future that is done when there is a snapshot of what is in the replica now. */
  CompletableFuture<Void> snapshot() {
    CompletableFuture<Void> done = upkeep.snapshot();
    serial.wake();
    return done;
  }

  /**
   * Ships what is there, and lets go of the database; the latter at the limit in any case. Returns
   * a future that completes then.
   */
  CompletableFuture<Void> end(Duration limit) {
    ending.begin(limit);
    return ended();
  }

  /** Returns a future that completes when it has ended. */
  CompletableFuture<Void> ended() {
    return ended.copy();
  }

  DatabaseStatus status() {
    return progress.status(System.nanoTime());
  }

  Progress progress() {
    return progress;
  }

  /** Returns what it has failed with for good; to be called when it has ended. */
  Optional<Throwable> failure() {
    return troubles.failure();
  }

  /** Returns whether all of it was shipped; to be called when it has ended. */
  boolean isAllShipped() {
    return ending.isAllShipped();
  }

  DatabaseFigures figures() {
    return counters.figures(replica.figures());
  }

  private void step() {
    long now = System.nanoTime();
    try {
      advance(now);
    } catch (IOException | RuntimeException | Error e) {
      trouble(e, now);
    }
    publish(now);
    if (stop.isBegun()) { // whoever is told so finds it in the status
      failAsked();
      boolean isAll = leaving.isEmpty() && stop.isOver();
      if (isAll || (stop.isLate(now) && leaving.map(OpenDatabase::isLetGo).orElse(true))) {
        ended.complete(null);
      } else if (!stop.isLate(now)) {
        serial.wakeAt(stop.lateNanos()); // an earlier alarm has taken the place of that
      }
    }
  }

  private void advance(long now) throws IOException {
    leaving = leaving.filter(left -> !left.isClosed(workers, jobs));
    if (stop.isBegun()) {
      return;
    }
    if (opening.isDone()) {
      takeOpened(now);
    }
    if (ending.isBegun() && isEnd(now)) {
      ending
          .end(open, loop)
          .ifPresent(why -> troubles.note(new IOException(settings.path() + ": " + why), now));
      opening.abandon();
      letGo();
      upkeep.end();
      serial.wakeAt(stop.begin());
    } else if (open.isPresent() && isIdle(loop.orElseThrow())) {
      letGo(); // and it is woken when the file comes
    } else if (open.isPresent()) {
      replicate(open.get(), loop.orElseThrow(), now);
    } else if (!opening.isUnderWay()) {
      openIfDue(now);
    }
  }

  /** Returns whether there is nothing left to do, or no time. */
  private boolean isEnd(long now) {
    boolean isOver = ending.isOver(now);
    if (open.isEmpty()) {
      return isOver || (!opening.isUnderWay() && !opening.isPossible());
    }
    if (loop.orElseThrow().isAttaching()) {
      if (isOver) {
        loop.get().cancel(); // and what it has is let go of when it has ended
      }
      return isOver;
    }
    return isEnding
        && (ending.isDone(open.get()) || isOver); // what is committed now is to be captured first
  }

  /** Returns whether there was only what its spool held, and that is shipped. */
  private boolean isIdle(CaptureLoop loop) {
    boolean isJobs = loop.isAttaching() || shippingFailure.isPresent();
    return !ending.isBegun() && !isJobs && !loop.wasCaptured() && left.isShipped();
  }

  private void openIfDue(long now) {
    boolean isPossible = opening.isPossible(); // and that the file is gone is seen soon
    if (leaving.isPresent()) {
      return; // woken when its jobs are done
    }
    boolean isPausing = troubles.retryNanos() - now > 0;
    if (isPausing) {
      serial.wakeAt(troubles.retryNanos());
    } else {
      standing.awaits(!isPossible);
    }
    if (isPossible && !isPausing) {
      opening.begin();
    } else { // woken when it comes; until then nothing is put beside it
      failSnapshots();
    }
  }

  /** Nobody waits for a snapshot for as long as a database may be away. */
  private void failSnapshots() {
    upkeep.rest(new IOException(presentOr(": there is no such file")));
  }

  private String presentOr(String what) {
    return troubles.present().map(Trouble::text).orElse(settings.path() + what);
  }

  private void takeOpened(long now) throws IOException {
    OpenDatabase it = opening.take();
    CaptureLoop itsLoop;
    try {
      itsLoop =
          new CaptureLoop(settings, it.capture(), workers, jobs, serial, counters, wasCaptured);
      left.opened(it.shipping().waitingBytes());
    } catch (RuntimeException | Error e) {
      it.abandon();
      throw e;
    }
    open = Optional.of(it);
    loop = Optional.of(itsLoop);
    troubles.begun(now);
  }

  private void replicate(OpenDatabase open, CaptureLoop loop, long now) throws IOException {
    if (loop.isAttaching()) {
      shipMeanwhile(open, now);
      return;
    }
    if (shippingFailure.isPresent()) {
      trouble(shippingFailure.get(), now);
      return;
    }
    boolean isEndBegun = ending.isBegun() && !isEnding;
    List<CompletableFuture<Txid>> syncs = asked.take();
    boolean isAsked = !syncs.isEmpty() || isEndBegun;
    boolean isOver = ending.isOver(now);
    boolean wasHinted = isHinted.getAndSet(false);
    try {
      loop.step(now, isAsked, wasHinted, !isEnding && !isOver);
    } catch (IOException | RuntimeException | Error e) {
      asked.addAgain(syncs);
      throw e;
    }
    if (loop.isAttaching()) {
      asked.addAgain(syncs);
      return;
    }
    open.shipping().captured(now);
    if (loop.isAllTaken()) {
      syncs.forEach(open.shipping()::sync);
    } else if (isAsked) {
      asked.addAgain(syncs);
      serial.wakeAt(now + (open.capture().isHeld() ? ASKED_NANOS : ASKED_UNHELD_NANOS));
    }
    boolean isHeld = open.capture().isHeld();
    boolean isAllTaken = loop.isAllTaken() || (!isHeld && loop.isMissing());
    if (isEndBegun && (isAllTaken || isOver)) {
      isEnding = true;
      ending.captured(isAllTaken);
      open.shipping().sync(ending.lastSync());
    }
    open.shipping().step(now).ifPresent(serial::wakeAt);
    left.seen(open.shipping(), !isHeld && Files.notExists(settings.path()));
    if (isEnding && (isOver || open.shipping().isDone())) {
      serial.wake(); // there is nothing to wait for any more
    }
    keepReplica(now);
  }

  /** A first image takes long, and what is cut already goes on its way. */
  private void shipMeanwhile(OpenDatabase open, long now) throws IOException {
    if (shippingFailure.isEmpty()) {
      open.shipping().stepWithoutLog(now).ifPresent(serial::wakeAt);
    }
    keepReplica(now);
  }

  private void keepReplica(long now) {
    if (!isEnding) {
      upkeep.step().ifPresent(left -> serial.wakeAt(now + left.toNanos()));
    }
  }

  /** Lets go of the database, and says when to try again; a person looks at what stays as it is. */
  private void trouble(Throwable failure, long now) {
    if (loop.filter(CaptureLoop::isAttaching).isPresent()) {
      shippingFailure = Optional.of(failure);
      loop.get().cancel(); // the spool is the job's until it has ended
      return;
    }
    troubles.note(failure, left.named(failure), now);
    letGo();
    if (Troubles.needsAPerson(failure, standing.uploaded())) {
      upkeep.end();
      serial.wakeAt(stop.begin());
      return;
    }
    opening.failed(failure);
    serial.wakeAt(troubles.retryAfter(now));
  }

  private void letGo() {
    if (open.isPresent()) {
      OpenDatabase left = open.get();
      asked.addAgain(left.shipping().abandon());
      left.lend(loop.orElseThrow().attaching());
      loop.get().end();
      wasCaptured |= loop.get().wasCaptured();
      open = Optional.empty();
      loop = Optional.empty();
      shippingFailure = Optional.empty();
      isEnding = false; // what is opened again is captured again
      leaving = Optional.of(left); // whatever comes of the next line
      leaving = leaving.filter(it -> !it.isClosed(workers, jobs));
    }
  }

  private void failAsked() {
    String why = presentOr(" is not replicated any more");
    asked.end(new IOException(why));
    upkeep.abandon(new IOException(why));
  }

  /** Lets go of all when no step runs and no job uses it; to be called when nothing steps it. */
  void abandon() {
    serial.end(
        () -> {
          failAsked();
          opening.abandon();
          letGo();
          leaving.ifPresent(OpenDatabase::abandon);
          stop.abandon();
        });
    asked.end(new IOException(settings.path() + " is not replicated any more"));
    ended.complete(null);
  }

  private void publish(long now) {
    if (open.isPresent() && !loop.orElseThrow().isAttaching()) {
      standing.seen(open.get(), loop.get().phase());
      troubles.seen(loop.get(), open.get().shipping(), now);
      counters.seen(open.get().capture());
    }
    Optional<Trouble> trouble = trouble();
    DatabaseStatus is = standing.status(phase(), trouble.map(Trouble::text), now);
    progress.publish(is, now);
    open.ifPresent(it -> it.shipping().answer());
    announcements.tell(is, trouble);
  }

  private Phase phase() {
    if (stop.isBegun()) {
      return Phase.STOPPED;
    }
    return isEnding ? Phase.ENDING : loop.map(CaptureLoop::phase).orElse(Phase.WAITING);
  }

  private Optional<Trouble> trouble() {
    return troubles
        .present()
        .or(() -> loop.flatMap(CaptureLoop::trouble))
        .or(() -> open.flatMap(it -> it.shipping().trouble()))
        .or(upkeep::trouble);
  }
}
