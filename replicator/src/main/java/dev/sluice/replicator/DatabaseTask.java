package dev.sluice.replicator;

import dev.sluice.ltx.Txid;
import dev.sluice.replicator.DatabaseStatus.Phase;
import dev.sluice.replicator.capture.CaptureException;
import dev.sluice.replicator.upload.SecondWriterException;
import dev.sluice.replicator.upload.WriteConditions;
import dev.sluice.storage.ReplicaClient;
import dev.sluice.storage.ReplicaException;
import java.io.IOException;
import java.nio.file.Files;
import java.time.Duration;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Consumer;
import java.util.stream.Stream;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Replicates one database: opens it when it is there, has it captured and shipped, and begins again
 * after what went wrong.
 *
 * <p>All of it is one {@link #step}, which is done whenever something may have changed, and never
 * twice at once; what takes long is a job, whose end is such a change. {@link #changed}, {@link
 * #sync}, {@link #end} and {@link #status} are thread-safe.
 */
final class DatabaseTask {
  private static final Logger log = LoggerFactory.getLogger(DatabaseTask.class);
  private static final int BURST = 60;
  private static final long ASKED_NANOS = TimeUnit.MILLISECONDS.toNanos(4);
  private static final long CLOSE_NANOS = TimeUnit.SECONDS.toNanos(2);
  private static final long ASKED_UNHELD_NANOS = TimeUnit.MILLISECONDS.toNanos(200);

  private final DatabaseSettings settings;
  private final Counters counters;
  private final RemoteReplica replica;
  private final ReplicaUpkeep upkeep;
  private final Consumer<Enum<?>> steps;
  private final Workers workers;
  private final ReplicatorListener listener;
  private final Serial serial;
  private final Jobs jobs;
  private final TokenBucket tokens;
  private final ConcurrentLinkedQueue<CompletableFuture<Txid>> asked =
      new ConcurrentLinkedQueue<>();
  private final CompletableFuture<Txid> lastSync = new CompletableFuture<>();
  private final CompletableFuture<Void> ended = new CompletableFuture<>();
  private volatile Optional<Long> endNanos = Optional.empty();
  private final AtomicBoolean isHinted = new AtomicBoolean();
  private final Troubles troubles;
  private final Standing standing;
  private final Progress progress;

  private Optional<CompletableFuture<OpenDatabase>> opening = Optional.empty();
  private Optional<OpenDatabase> open = Optional.empty();
  private Optional<CaptureLoop> loop = Optional.empty();
  private Optional<OpenDatabase> leaving = Optional.empty();
  private Optional<CompletableFuture<Boolean>> closing = Optional.empty();

  /** What an upload failed with while a job had the capture. */
  private Optional<Exception> shippingFailure = Optional.empty();

  private boolean isEnding;
  private boolean isStopped;
  private long stoppedNanos;
  private boolean wasCaptured;
  private boolean isToBeginAnew;
  private Txid told = Txid.NONE;

  /** Takes what to replicate, and to where; the client is closed at the end. */
  DatabaseTask(
      DatabaseSettings settings,
      ReplicaClient client,
      Workers workers,
      ReplicatorListener listener,
      Consumer<Enum<?>> steps) {
    this.settings = settings;
    this.steps = steps;
    this.counters = new Counters();
    this.replica = new RemoteReplica(settings, counters.metered(client), steps);
    this.workers = workers;
    this.serial = new Serial(workers, this::step);
    this.jobs = new Jobs(serial::wake);
    this.upkeep = new ReplicaUpkeep(replica, workers, jobs);
    this.listener = listener;
    long now = System.nanoTime();
    this.tokens = new TokenBucket(settings.syncInterval(), BURST, now);
    this.troubles = new Troubles(settings.path(), now);
    this.standing = new Standing(settings.path(), replica.location());
    this.progress = new Progress(newStatus(now), now);
    var unused = lastSync.thenRun(serial::wake);
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
    CompletableFuture<Txid> done = new CompletableFuture<>();
    asked.add(done);
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
    endNanos = Optional.of(System.nanoTime() + limit.toNanos());
    serial.wake();
    return ended.copy();
  }

  DatabaseStatus status() {
    return progress.status(System.nanoTime());
  }

  Progress progress() {
    return progress;
  }

  DatabaseFigures figures() {
    return counters.figures(replica.figures());
  }

  private void step() {
    long now = System.nanoTime();
    try {
      advance(now);
    } catch (IOException | RuntimeException e) {
      trouble(e, now);
    }
    publish(now);
    if (isStopped) { // whoever is told so finds it in the status
      failAsked(
          new IOException(
              troubles.present().orElse(settings.path() + " is not replicated any more")));
      boolean isLetGo = leaving.map(OpenDatabase::isCaptureClosed).orElse(true);
      boolean isOver = closing.filter(CompletableFuture::isDone).isPresent();
      if (isLetGo && (isOver || now - stoppedNanos >= CLOSE_NANOS)) {
        ended.complete(null);
      }
    }
  }

  private void advance(long now) throws IOException {
    leaving = leaving.filter(left -> !left.isClosed(workers, jobs));
    if (isStopped) {
      return;
    }
    if (opening.isPresent() && opening.get().isDone()) {
      takeOpened(now);
    }
    if (endNanos.isPresent() && isEnd(now)) {
      noteUnshipped();
      opening.ifPresent(DatabaseTask::abandon);
      opening = Optional.empty();
      letGo();
      stop();
    } else if (open.isPresent()) {
      replicate(open.get(), loop.orElseThrow(), now);
    } else if (opening.isEmpty()) {
      openIfDue(now);
    }
  }

  /** Closes what comes out of it, if anything does. */
  private static void abandon(CompletableFuture<OpenDatabase> opening) {
    var unused = opening.thenAccept(OpenDatabase::abandon);
  }

  /** Returns whether there is nothing left to do, or no time. */
  private boolean isEnd(long now) {
    boolean isOver = now - endNanos.orElseThrow() >= 0;
    if (!isOver) {
      serial.wakeAt(endNanos.orElseThrow());
    }
    if (open.isEmpty()) {
      return isOver || (opening.isEmpty() && !Files.exists(settings.path()));
    }
    if (loop.orElseThrow().isAttaching()) {
      if (isOver) {
        loop.get().cancel(); // and this goes on when the job has ended
      }
      return false;
    }
    boolean isDone = lastSync.isDone() || open.get().shipping().isDone();
    return isEnding && (isDone || isOver); // what is committed now is to be captured first
  }

  private void openIfDue(long now) {
    if (leaving.isPresent()) {
      return; // woken when its jobs are done
    }
    if (troubles.retryNanos() - now > 0) {
      serial.wakeAt(troubles.retryNanos());
      return;
    }
    if (!standing.isThere()) {
      return; // woken when it comes; until then nothing is put beside it
    }
    OpenDatabase.Setup setup =
        new OpenDatabase.Setup(settings, replica, tokens, workers, jobs, steps, isToBeginAnew);
    opening = Optional.of(OpenDatabase.open(setup));
  }

  private void takeOpened(long now) throws IOException {
    CompletableFuture<OpenDatabase> done = opening.orElseThrow();
    opening = Optional.empty();
    OpenDatabase opened = Futures.result(done);
    open = Optional.of(opened);
    loop =
        Optional.of(
            new CaptureLoop(
                settings, opened.capture(), workers, jobs, serial, counters, wasCaptured));
    isToBeginAnew = false;
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
    boolean isEndBegun = endNanos.isPresent() && !isEnding;
    List<CompletableFuture<Txid>> syncs = takeAsked(); // what comes later asks for later commits
    boolean isAsked = !syncs.isEmpty() || isEndBegun;
    boolean isOver = endNanos.filter(end -> now - end >= 0).isPresent();
    boolean wasHinted = isHinted.getAndSet(false);
    long frames;
    try {
      frames = loop.step(now, isAsked, wasHinted, !isEnding && !isOver);
    } catch (IOException | RuntimeException e) {
      asked.addAll(syncs);
      throw e;
    }
    if (loop.isAttaching()) {
      asked.addAll(syncs);
      return;
    }
    if (frames > 0) {
      open.shipping().captured(now);
    }
    if (loop.isAllTaken()) {
      syncs.forEach(open.shipping()::sync);
    } else if (isAsked) {
      asked.addAll(syncs);
      serial.wakeAt(now + (open.capture().isHeld() ? ASKED_NANOS : ASKED_UNHELD_NANOS));
    }
    boolean isGone = !open.capture().isHeld() && !Files.exists(settings.path());
    if (isEndBegun && (loop.isAllTaken() || isGone || isOver)) {
      isEnding = true;
      open.shipping().sync(lastSync);
    }
    open.shipping().step(now).ifPresent(serial::wakeAt);
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

  private List<CompletableFuture<Txid>> takeAsked() {
    return Stream.generate(asked::poll)
        .takeWhile(Objects::nonNull)
        .filter(done -> !done.isDone())
        .toList();
  }

  /** Lets go of the database, and says when to try again; a person looks at what stays as it is. */
  private void trouble(Exception failure, long now) {
    if (loop.filter(CaptureLoop::isAttaching).isPresent()) {
      shippingFailure = Optional.of(failure);
      loop.get().cancel(); // the spool is the job's until it has ended
      return;
    }
    troubles.note(failure);
    letGo();
    boolean isRefused =
        failure instanceof ReplicaException.Denied && standing.uploaded().equals(Txid.NONE);
    if (failure instanceof SecondWriterException
        || failure instanceof WriteConditions.IgnoredException
        || failure instanceof CaptureException
        || isRefused) {
      stop();
      return;
    }
    isToBeginAnew |= failure instanceof Shipping.NotContinuousException;
    serial.wakeAt(troubles.retryAfter(now));
  }

  /** What is not shipped goes on waiting in the spool, and whoever ended this is told. */
  private void noteUnshipped() {
    if (open.isEmpty() || lastSync.isDone() || open.get().shipping().isDone()) {
      return;
    }
    long bytes = open.get().shipping().waitingBytes();
    if (bytes > 0) {
      String why = open.get().shipping().trouble().orElse("no time was left");
      troubles.note(
          new IOException(settings.path() + ": " + bytes + " bytes are not shipped: " + why));
    }
  }

  private void letGo() {
    if (open.isPresent()) {
      OpenDatabase left = open.get();
      asked.addAll(left.shipping().abandon());
      loop.orElseThrow().end();
      wasCaptured |= loop.get().wasCaptured();
      open = Optional.empty();
      loop = Optional.empty();
      shippingFailure = Optional.empty();
      isEnding = false; // what is opened again is captured again
      leaving = Optional.of(left).filter(it -> !it.isClosed(workers, jobs));
    }
  }

  private void stop() {
    isStopped = true;
    stoppedNanos = System.nanoTime();
    // It may have a lease to give back, which a storage that hangs does not keep anybody with.
    closing = Optional.of(jobs.begin(workers.storage(replica.storage()), replica::close));
    serial.wakeAt(stoppedNanos + CLOSE_NANOS);
  }

  private void failAsked(IOException why) {
    takeAsked().forEach(done -> done.completeExceptionally(why));
    upkeep.abandon(why);
  }

  /** Ends the waiting of all who wait for this; to be called when nothing steps it any more. */
  void abandon() {
    failAsked(new IOException(settings.path() + " is not replicated any more"));
    leaving.ifPresent(OpenDatabase::abandon);
    ended.complete(null);
  }

  private void publish(long now) {
    if (open.isPresent() && !loop.orElseThrow().isAttaching()) {
      if (standing.isCapturedBy(open.get(), loop.get().phase(), now)) {
        troubles.over();
      }
      counters.seen(open.get().capture());
    }
    DatabaseStatus is = newStatus(now);
    DatabaseStatus before = progress.publish(is, now);
    if (is.trouble().isPresent() && !is.trouble().equals(before.trouble())) {
      counters.troubled();
    }
    open.ifPresent(it -> it.shipping().answer());
    try {
      if (told.isBefore(is.uploaded())) {
        told = is.uploaded();
        listener.onUploaded(settings.path(), told);
      }
      if (before.phase() != is.phase() || !before.trouble().equals(is.trouble())) {
        listener.onStatus(is);
      }
    } catch (RuntimeException e) {
      log.error("a listener failed", e);
    }
  }

  private Phase phase() {
    if (isStopped) {
      return Phase.STOPPED;
    }
    return isEnding ? Phase.ENDING : loop.map(CaptureLoop::phase).orElse(Phase.WAITING);
  }

  private DatabaseStatus newStatus(long now) {
    Optional<String> why =
        troubles
            .present()
            .or(() -> loop.flatMap(CaptureLoop::trouble))
            .or(() -> open.flatMap(it -> it.shipping().trouble()))
            .or(upkeep::trouble);
    return standing.status(phase(), why, now);
  }
}
