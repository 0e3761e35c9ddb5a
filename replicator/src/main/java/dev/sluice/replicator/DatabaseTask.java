package dev.sluice.replicator;

import dev.sluice.ltx.Txid;
import dev.sluice.replicator.DatabaseStatus.Phase;
import dev.sluice.replicator.capture.CaptureBuffers;
import dev.sluice.replicator.capture.CaptureException;
import dev.sluice.replicator.capture.CaptureSettings;
import dev.sluice.replicator.capture.DatabaseCapture;
import dev.sluice.replicator.spool.Spool;
import dev.sluice.replicator.spool.SpoolException;
import dev.sluice.replicator.spool.SpoolSetup;
import dev.sluice.replicator.upload.SecondWriterException;
import dev.sluice.replicator.upload.WriteConditions;
import dev.sluice.storage.ReplicaClient;
import dev.sluice.storage.ReplicaException;
import java.io.IOException;
import java.nio.file.Files;
import java.time.Duration;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.Executor;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Replicates one database: opens it when it is there, captures what is committed, ships it, and
 * begins again after what went wrong.
 *
 * <p>All of it is one {@link #step}, which is done whenever something may have changed, and never
 * twice at once; what takes long is a job, whose end is such a change. {@link #wake}, {@link
 * #sync}, {@link #end} and {@link #status} are thread-safe.
 */
final class DatabaseTask {
  private static final Logger log = LoggerFactory.getLogger(DatabaseTask.class);
  private static final int BURST = 60;

  /** Between two captures: beside a busy application one takes what many would have taken. */
  private static final long PACE_NANOS = TimeUnit.MILLISECONDS.toNanos(4);

  private static final long BUSY_PACE_NANOS = TimeUnit.MILLISECONDS.toNanos(8);

  /** A hint may come before what it hints at is to be seen, so the look is repeated. */
  private static final int LOOKS_AFTER_A_HINT = 2;

  private static final long QUIET_NANOS_MIN = TimeUnit.MILLISECONDS.toNanos(200);
  private static final long QUIET_NANOS_MAX = TimeUnit.SECONDS.toNanos(20);
  private static final long RETRY_NANOS_MIN = TimeUnit.MILLISECONDS.toNanos(500);
  private static final long RETRY_NANOS_MAX = TimeUnit.SECONDS.toNanos(30);

  private final DatabaseSettings settings;
  private final Counters counters;
  private final RemoteReplica replica;
  private final ReplicaUpkeep upkeep;
  private final Consumer<Enum<?>> steps;
  private final Workers workers;
  private final CaptureBuffers buffers;
  private final ReplicatorListener listener;
  private final Serial serial;
  private final TokenBucket tokens;
  private final ConcurrentLinkedQueue<CompletableFuture<Txid>> asked =
      new ConcurrentLinkedQueue<>();
  private final CompletableFuture<Void> ended = new CompletableFuture<>();
  private volatile Optional<Long> endNanos = Optional.empty();
  private final Progress progress;

  private Phase phase = Phase.WAITING;
  private Optional<CompletableFuture<Primary>> opening = Optional.empty();
  private Optional<Primary> primary = Optional.empty();
  private Optional<String> shippingStall = Optional.empty();
  private Optional<Primary> leaving = Optional.empty();
  private Optional<String> trouble = Optional.empty();
  private Txid uploaded = Txid.NONE;
  private long waitingBytes;
  private boolean isToBeginAnew;
  private boolean isAwaited;
  private long retryNanos;
  private long retryPauseNanos = RETRY_NANOS_MIN;
  private final CompletableFuture<Txid> lastSync = new CompletableFuture<>();
  private Optional<CompletableFuture<Long>> attaching = Optional.empty();
  private boolean wasCaptured;
  private long captureNanos;
  private long quietPauseNanos;
  private long capturedNanos;
  private final Busyness busyness = new Busyness();
  private int looksLeft;
  private Optional<CompletableFuture<Boolean>> closing = Optional.empty();

  /** What is open of a database. */
  private record Primary(Spool spool, DatabaseCapture capture, Shipping shipping) {}

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
    this.upkeep = new ReplicaUpkeep(replica, workers, this::start);
    this.buffers = workers.buffers();
    this.listener = listener;
    this.serial = new Serial(workers, this::step);
    long now = System.nanoTime();
    this.tokens = new TokenBucket(settings.syncInterval(), BURST, now);
    this.retryNanos = now;
    this.progress = new Progress(status(now), now);
  }

  DatabaseSettings settings() {
    return settings;
  }

  /** Says that the database may have changed. */
  void wake() {
    serial.wake();
  }

  /** Returns a future of the TXID with which the replica has all that is committed now. */
  CompletableFuture<Txid> sync() {
    CompletableFuture<Txid> done = new CompletableFuture<>();
    asked.add(done);
    wake();
    return done;
  }

  /** Returns a future that is done when there is a snapshot of what is in the replica now. */
  CompletableFuture<Void> snapshot() {
    CompletableFuture<Void> done = upkeep.snapshot();
    wake();
    return done;
  }

  /**
   * Ships what is there, and lets go of the database; the latter at the limit in any case. Returns
   * a future that completes then.
   */
  CompletableFuture<Void> end(Duration limit) {
    endNanos = Optional.of(System.nanoTime() + limit.toNanos());
    wake();
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
    if (phase == Phase.STOPPED) { // whoever is told so finds it in the status
      failAsked(new IOException(trouble.orElse(settings.path() + " is not replicated any more")));
      if (closing.filter(CompletableFuture::isDone).isPresent()) {
        ended.complete(null);
      }
    }
  }

  private void advance(long now) throws IOException {
    if (phase == Phase.STOPPED) {
      leaving.ifPresent(this::close);
      return;
    }
    if (opening.isPresent()) {
      takeOpened(now);
    }
    if (endNanos.isPresent() && opening.isEmpty() && isIdle(attaching) && isEnd(now)) {
      noteUnshipped();
      letGo();
      finish();
    } else if (primary.isPresent()) {
      replicate(primary.get(), now);
    } else if (opening.isEmpty()) {
      openIfDue(now);
    }
  }

  private static boolean isIdle(Optional<? extends CompletableFuture<?>> job) {
    return job.isEmpty() || job.get().isDone();
  }

  /** Returns whether there is nothing left to do, or no time. */
  private boolean isEnd(long now) {
    long limit = endNanos.orElseThrow();
    if (phase != Phase.ENDING && primary.isPresent()) {
      return false; // what is committed now is to be captured first
    }
    boolean isDone =
        primary.isPresent() && (lastSync.isDone() || primary.get().shipping().isDone());
    if (!isDone) {
      serial.wakeAt(limit);
    }
    boolean isNothing = primary.isEmpty() && !Files.exists(settings.path());
    return isDone || isNothing || now - limit >= 0;
  }

  private void openIfDue(long now) {
    if (leaving.isPresent() && !close(leaving.get())) {
      return; // woken when its jobs are done
    }
    if (retryNanos - now > 0) {
      serial.wakeAt(retryNanos);
      return;
    }
    if (!Files.exists(settings.path())) {
      if (!isAwaited) {
        isAwaited = true;
        log.info("{} is waited for: there is no such file", settings.path());
      }
      return; // woken when it comes; until then nothing is put beside it
    }
    isAwaited = false;
    opening = Optional.of(start(this::open));
  }

  private <T> CompletableFuture<T> start(Shipping.Job<T> job) {
    return start(workers.jobs(), job);
  }

  private <T> CompletableFuture<T> start(Executor threads, Shipping.Job<T> job) {
    CompletableFuture<T> done = new CompletableFuture<>();
    try {
      threads.execute(
          () -> {
            try {
              done.complete(job.run());
            } catch (IOException | RuntimeException | Error e) {
              done.completeExceptionally(e);
            }
            wake();
          });
    } catch (RejectedExecutionException e) {
      done.completeExceptionally(new IOException("the replicator is closed", e));
    }
    return done;
  }

  /** Opens the spool; on a thread for jobs. */
  private Primary open() throws IOException {
    Shipping.Origin origin = openSpool();
    CaptureSettings how =
        CaptureSettings.of(settings.path())
            .withOwnProcess(settings.ownsProcess())
            .withCheckpointPages(settings.checkpointPages())
            .withSpoolBytesMax(settings.spoolBytesMax())
            .withSteps(steps::accept);
    DatabaseCapture capture = DatabaseCapture.begin(how, origin.spool(), buffers);
    try {
      return new Primary(
          origin.spool(), capture, new Shipping(origin, replica, tokens, this::start));
    } catch (IOException | RuntimeException e) {
      origin.spool().close();
      throw e;
    }
  }

  /** A spool that is there goes on whether the storage answers or not. */
  private Shipping.Origin openSpool() throws IOException {
    SpoolSetup setup = new SpoolSetup(InstantSource.system(), steps::accept);
    if (!isToBeginAnew) {
      try {
        Spool spool = Spool.open(settings.metaPath(), setup);
        spool.notes().forEach(note -> log.info("{}", note));
        return new Shipping.Origin(spool, false);
      } catch (SpoolException.NoRecord e) {
        log.debug("{}", e.getMessage());
      } catch (SpoolException.Damaged e) {
        log.warn("{}; the database is captured anew", e.getMessage());
      }
    }
    RemoteReplica.End end = replica.listAnew();
    Spool spool = Spool.begin(settings.metaPath(), end.txid(), end.timestampMillis(), setup);
    return new Shipping.Origin(spool, true);
  }

  private void takeOpened(long now) throws IOException {
    if (!opening.orElseThrow().isDone()) {
      return;
    }
    CompletableFuture<Primary> done = opening.get();
    opening = Optional.empty();
    Primary opened = Futures.result(done);
    primary = Optional.of(opened);
    trouble = Optional.empty();
    isToBeginAnew = false;
    retryPauseNanos = RETRY_NANOS_MIN;
    captureNanos = now;
    capturedNanos = now - PACE_NANOS;
  }

  private void replicate(Primary open, long now) throws IOException {
    if (attaching.isPresent()) {
      if (!attaching.get().isDone()) {
        return; // the spool is the job's
      }
      takeAttached(open, now);
    }
    boolean isEndBegun = endNanos.isPresent() && phase != Phase.ENDING;
    List<CompletableFuture<Txid>> syncs = takeAsked(); // what comes later asks for later commits
    boolean isAsked = !syncs.isEmpty() || isEndBegun;
    if (!open.capture().isHeld()) {
      if (phase != Phase.ENDING && (isAsked || captureNanos - now <= 0)) {
        asked.addAll(syncs);
        attach(open);
        return;
      }
      serial.wakeAt(captureNanos);
    } else if (isAsked || now - capturedNanos >= paceNanos()) {
      capture(open, now);
    } else {
      looksLeft = LOOKS_AFTER_A_HINT;
      serial.wakeAt(capturedNanos + paceNanos());
    }
    boolean isAllTaken = open.capture().isHeld() && open.capture().isCurrent();
    if (isAllTaken) {
      syncs.forEach(open.shipping()::sync);
    } else if (isAsked) {
      asked.addAll(syncs);
      serial.wakeAt(now + (open.capture().isHeld() ? PACE_NANOS : QUIET_NANOS_MIN));
    }
    boolean isGone = !open.capture().isHeld() && !Files.exists(settings.path());
    if (isEndBegun && (isAllTaken || isGone || now - endNanos.orElseThrow() >= 0)) {
      phase = Phase.ENDING;
      open.shipping().sync(lastSync);
    }
    open.shipping().step(now).ifPresent(serial::wakeAt);
    if (phase == Phase.ENDING && lastSync.isDone()) {
      serial.wake(); // there is nothing to wait for any more
    }
    if (phase != Phase.ENDING) {
      upkeep.step().ifPresent(left -> serial.wakeAt(now + left.toNanos()));
    }
  }

  private List<CompletableFuture<Txid>> takeAsked() {
    List<CompletableFuture<Txid>> taken = new ArrayList<>();
    for (var next = asked.poll(); next != null; next = asked.poll()) {
      taken.add(next);
    }
    return taken;
  }

  /** What was missed may be as much as the whole database. */
  private void attach(Primary open) {
    if (phase == Phase.WAITING) {
      phase = Phase.OPENING;
    }
    attaching = Optional.of(start(open.capture()::capture));
  }

  private void takeAttached(Primary open, long now) throws IOException {
    CompletableFuture<Long> done = attaching.orElseThrow();
    attaching = Optional.empty();
    try {
      takeFrames(open, Futures.result(done), now);
      captureNanos = now + open.capture().pause().toNanos();
    } catch (CaptureException e) {
      captureTrouble(e, now);
    }
  }

  private void takeFrames(Primary open, long frames, long now) {
    capturedNanos = now;
    if (frames > 0) {
      open.shipping().captured(now);
      looksLeft = LOOKS_AFTER_A_HINT;
      quietPauseNanos = 0;
    } else {
      looksLeft--;
    }
    if (busyness.isChangedBy(frames, now)) {
      lookOrListen(now);
    }
    if (open.capture().isHeld() && phase != Phase.ENDING) {
      if (phase != Phase.CAPTURING) {
        log.info("{} is captured from TXID {} on", settings.path(), open.spool().lastCut().txid());
      }
      phase = Phase.CAPTURING;
      trouble = Optional.empty();
      retryPauseNanos = RETRY_NANOS_MIN;
      wasCaptured = true;
    }
  }

  private void capture(Primary open, long now) throws IOException {
    try {
      long frames = open.capture().capture();
      counters.captured(frames, System.nanoTime() - now);
      takeFrames(open, frames, now);
    } catch (CaptureException e) {
      captureTrouble(e, now);
      return;
    }
    captureNanos = now + pauseNanos(open.capture());
    boolean isSoon = looksLeft > 0 || busyness.isBusy();
    serial.wakeAt(isSoon ? now + paceNanos() : captureNanos);
  }

  private long paceNanos() {
    return busyness.isBusy() ? BUSY_PACE_NANOS : PACE_NANOS;
  }

  /** Beside a busy application looking again and again is cheaper than hearing of each change. */
  private void lookOrListen(long now) {
    if (busyness.isBusy()) {
      workers.watch().pause(settings.path());
    } else {
      workers.watch().resume(settings.path());
      looksLeft = LOOKS_AFTER_A_HINT; // for what has changed just before
      serial.wakeAt(now + PACE_NANOS);
    }
  }

  /** A database at rest is watched; it is looked at beside that ever more rarely. */
  private long pauseNanos(DatabaseCapture capture) {
    long pause = capture.pause().toNanos();
    if (pause < QUIET_NANOS_MIN) {
      quietPauseNanos = 0;
      return pause;
    }
    quietPauseNanos = Math.min(Math.max(2 * quietPauseNanos, pause), QUIET_NANOS_MAX);
    return quietPauseNanos;
  }

  /** What is in the spool is shipped meanwhile. */
  private void captureTrouble(CaptureException failure, long now) throws CaptureException {
    boolean isHopeless =
        failure instanceof CaptureException.NotADatabase
            || failure instanceof CaptureException.Denied;
    if (isHopeless && !wasCaptured) {
      throw failure;
    }
    if (failure instanceof CaptureException.Missing) {
      trouble = Optional.empty();
    } else {
      note(failure);
    }
    phase = endNanos.isPresent() ? phase : Phase.WAITING;
    if (failure instanceof CaptureException.Missing) {
      captureNanos = now + QUIET_NANOS_MIN; // costs a look at the file
    } else {
      captureNanos = now + retryPauseNanos;
      retryPauseNanos = Math.min(2 * retryPauseNanos, RETRY_NANOS_MAX);
    }
    serial.wakeAt(captureNanos);
  }

  private void note(Exception failure) {
    String text = Optional.ofNullable(failure.getMessage()).orElse(failure.toString());
    if (failure instanceof RuntimeException) {
      log.error("replicate {}", settings.path(), failure);
    } else if (!trouble.equals(Optional.of(text))) {
      log.warn("{}", text);
    }
    trouble = Optional.of(text);
  }

  /** Lets go of the database, and says when to try again; a person looks at what stays as it is. */
  private void trouble(Exception failure, long now) {
    note(failure);
    letGo();
    busyness.forget();
    workers.watch().resume(settings.path());
    boolean isRefused = failure instanceof ReplicaException.Denied && uploaded.equals(Txid.NONE);
    if (failure instanceof SecondWriterException
        || failure instanceof WriteConditions.IgnoredException
        || failure instanceof CaptureException
        || isRefused) {
      finish();
      return;
    }
    isToBeginAnew |= failure instanceof Shipping.NotContinuousException;
    phase = endNanos.isPresent() ? Phase.ENDING : Phase.WAITING;
    retryNanos = now + retryPauseNanos;
    retryPauseNanos = Math.min(2 * retryPauseNanos, RETRY_NANOS_MAX);
    serial.wakeAt(retryNanos);
  }

  /** What is not shipped goes on waiting in the spool, and whoever ended this is told. */
  private void noteUnshipped() {
    long bytes = primary.map(open -> open.shipping().waitingBytes()).orElse(0L);
    boolean isShipped =
        primary.isEmpty() || lastSync.isDone() || primary.get().shipping().isDone() || bytes == 0;
    if (!isShipped) {
      String why = primary.flatMap(open -> open.shipping().trouble()).orElse("no time was left");
      note(new IOException(settings.path() + ": " + bytes + " bytes are not shipped: " + why));
    }
  }

  private void letGo() {
    if (primary.isPresent()) {
      Primary open = primary.get();
      primary = Optional.empty();
      leaving = Optional.of(open); // whatever fails: its spool is to be closed
      asked.addAll(open.shipping().abandon());
      try {
        open.capture().close();
      } catch (IOException e) {
        log.warn("replicate {}: {}", settings.path(), e.getMessage());
      } catch (RuntimeException e) {
        log.error("replicate {}", settings.path(), e);
      }
      close(open);
    }
  }

  /**
   * Closes a spool that is not captured into any more; false if a job still uses it: a cut that is
   * being written, or an upload, whose TXID must not be given again meanwhile.
   */
  private boolean close(Primary open) {
    if (open.shipping().isBusy()) {
      return false;
    }
    leaving = Optional.empty();
    try {
      open.spool().close();
    } catch (IOException e) {
      log.warn("replicate {}: {}", settings.path(), e.getMessage());
    }
    return true;
  }

  private void finish() {
    phase = Phase.STOPPED;
    closing =
        Optional.of(
            start(
                () -> {
                  replica.close(); // it may have a lease to give back
                  return true;
                }));
  }

  /** Ends the waiting of all who wait for this; to be called when nothing steps it any more. */
  void abandon() {
    failAsked(new IOException(settings.path() + " is not replicated any more"));
    ended.complete(null);
  }

  private void failAsked(IOException why) {
    for (var next = asked.poll(); next != null; next = asked.poll()) {
      next.completeExceptionally(why);
    }
    upkeep.abandon(why);
  }

  /** A storage that is away is told of once, then when it is so for another reason. */
  private void logShipping(Optional<String> stall) {
    if (stall.isPresent() && !stall.equals(shippingStall)) {
      log.warn("{} waits: {}", settings.path(), stall.get());
    } else if (stall.isEmpty() && shippingStall.isPresent()) {
      log.info("{} goes on", settings.path());
    }
    shippingStall = stall;
  }

  private void publish(long now) {
    DatabaseStatus is = status(now);
    DatabaseStatus before = progress.publish(is, now);
    if (primary.isPresent()) {
      logShipping(primary.get().shipping().trouble());
    }
    if (primary.isPresent() && attaching.isEmpty()) {
      counters.seen(primary.get().capture());
    }
    if (is.trouble().isPresent() && !is.trouble().equals(before.trouble())) {
      counters.troubled();
    }
    primary.ifPresent(open -> open.shipping().answer());
    try {
      if (uploaded.isBefore(is.uploaded())) {
        uploaded = is.uploaded();
        listener.onUploaded(settings.path(), uploaded);
      }
      if (before.phase() != is.phase() || !before.trouble().equals(is.trouble())) {
        listener.onStatus(is);
      }
    } catch (RuntimeException e) {
      log.error("a listener failed", e);
    }
  }

  /** Not while the spool is a job's. */
  private long countWaitingBytes() {
    waitingBytes = primary.map(open -> open.shipping().waitingBytes()).orElse(0L);
    return waitingBytes;
  }

  private DatabaseStatus status(long now) {
    Optional<Shipping> shipping = primary.map(Primary::shipping);
    return new DatabaseStatus(
        settings.path(),
        replica.location(),
        phase,
        primary.map(open -> open.spool().lastCut().txid()).orElse(Txid.NONE),
        shipping.map(Shipping::uploaded).orElse(Txid.NONE),
        Duration.ofNanos(
            shipping.flatMap(Shipping::sinceNanos).map(since -> now - since).orElse(0L)),
        attaching.isPresent() ? waitingBytes : countWaitingBytes(),
        trouble.or(() -> shipping.flatMap(Shipping::trouble)).or(upkeep::trouble));
  }
}
