package dev.sluice.replicator;

import dev.sluice.ltx.Txid;
import dev.sluice.replicator.DatabaseStatus.Phase;
import dev.sluice.replicator.capture.DatabaseCapture;
import dev.sluice.replicator.spool.Spool;
import dev.sluice.replicator.spool.SpoolException;
import dev.sluice.replicator.spool.SpoolSetup;
import dev.sluice.replicator.upload.Uploader;
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
  private static final Duration CALL_LIMIT = Duration.ofSeconds(60);
  private static final int BURST = 60;

  /** Between two captures: beside a busy application one takes what many would have taken. */
  private static final long PACE_NANOS = TimeUnit.MILLISECONDS.toNanos(4);

  /** A hint may come before what it hints at is to be seen, so the look is repeated. */
  private static final int LOOKS_AFTER_A_HINT = 2;

  private static final long REST_AFTER_NANOS = TimeUnit.SECONDS.toNanos(1);
  private static final long REST_AGAIN_NANOS = TimeUnit.SECONDS.toNanos(5);
  private static final long RETRY_NANOS_MIN = TimeUnit.MILLISECONDS.toNanos(500);
  private static final long RETRY_NANOS_MAX = TimeUnit.SECONDS.toNanos(30);

  private final DatabaseSettings settings;
  private final ReplicaClient client;
  private final Uploader uploader;
  private final Workers workers;
  private final ReplicatorListener listener;
  private final Serial serial;
  private final TokenBucket tokens;
  private final ConcurrentLinkedQueue<CompletableFuture<Txid>> asked =
      new ConcurrentLinkedQueue<>();
  private final CompletableFuture<Void> ended = new CompletableFuture<>();
  private volatile Optional<Long> endNanos = Optional.empty();
  private volatile DatabaseStatus status;

  private Phase phase = Phase.WAITING;
  private Optional<CompletableFuture<Primary>> opening = Optional.empty();
  private Optional<Primary> primary = Optional.empty();
  private Optional<Primary> leaving = Optional.empty();
  private Optional<String> trouble = Optional.empty();
  private Txid uploaded = Txid.NONE;
  private boolean isToBeginAnew;
  private long retryNanos;
  private long retryPauseNanos = RETRY_NANOS_MIN;
  private long capturedNanos;
  private long restNanos;
  private boolean isResting;
  private int looksLeft;

  /** What is open of a database. */
  private record Primary(Spool spool, DatabaseCapture capture, Shipping shipping) {}

  /** Takes what to replicate, and to where; the client is closed at the end. */
  DatabaseTask(
      DatabaseSettings settings,
      ReplicaClient client,
      Workers workers,
      ReplicatorListener listener) {
    this.settings = settings;
    this.client = client;
    this.uploader = new Uploader(client, CALL_LIMIT);
    this.workers = workers;
    this.listener = listener;
    this.serial = new Serial(workers, this::step);
    long now = System.nanoTime();
    this.tokens = new TokenBucket(settings.syncInterval(), BURST, now);
    this.retryNanos = now;
    this.status = status(now);
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
    return status;
  }

  private void step() {
    long now = System.nanoTime();
    try {
      advance(now);
    } catch (IOException | RuntimeException e) {
      trouble(e, now);
    }
    publish(now);
  }

  private void advance(long now) throws IOException {
    if (phase == Phase.STOPPED) {
      failAsked(new IOException(settings.path() + " is not replicated any more"));
      return;
    }
    if (opening.isPresent()) {
      takeOpened(now);
    }
    if (endNanos.isPresent() && opening.isEmpty() && isEnd(now)) {
      letGo();
      finish();
    } else if (primary.isPresent()) {
      replicate(primary.get(), now);
    } else if (opening.isEmpty()) {
      openIfDue(now);
    }
  }

  /** Returns whether there is nothing left to do, or no time. */
  private boolean isEnd(long now) {
    long limit = endNanos.orElseThrow();
    if (phase != Phase.ENDING && primary.isPresent()) {
      return false; // what is committed now is to be captured first
    }
    boolean isDone = primary.isPresent() && primary.get().shipping().isDone();
    if (!isDone) {
      serial.wakeAt(limit);
    }
    return isDone || !Files.exists(settings.path()) || now - limit >= 0;
  }

  private void openIfDue(long now) {
    if (leaving.isPresent() && !close(leaving.get())) {
      return; // woken when the cut is written
    }
    if (retryNanos - now > 0) {
      serial.wakeAt(retryNanos);
      return;
    }
    if (!Files.isRegularFile(settings.path())) {
      phase = Phase.WAITING;
      trouble = Optional.of("there is no such file yet");
      return; // woken when it comes
    }
    phase = Phase.OPENING;
    opening = Optional.of(start(this::open));
  }

  private <T> CompletableFuture<T> start(Shipping.Job<T> job) {
    CompletableFuture<T> done = new CompletableFuture<>();
    Executor threads = workers.jobs();
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

  /** Opens the database and its spool, and captures what was missed; on a thread for jobs. */
  private Primary open() throws IOException {
    Spool spool = openSpool();
    DatabaseCapture capture = null;
    try {
      capture = DatabaseCapture.begin(settings.path(), spool);
      return new Primary(spool, capture, new Shipping(spool, uploader, tokens, this::start));
    } catch (IOException | RuntimeException e) {
      if (capture != null) {
        capture.close();
      }
      spool.close();
      throw e;
    }
  }

  /** A spool that is there goes on whether the storage answers or not. */
  private Spool openSpool() throws IOException {
    SpoolSetup setup = SpoolSetup.of(InstantSource.system());
    if (!isToBeginAnew) {
      try {
        Spool spool = Spool.open(settings.metaPath(), setup);
        spool.notes().forEach(note -> log.info("{}", note));
        return spool;
      } catch (SpoolException.NoRecord e) {
        log.debug("{}", e.getMessage());
      } catch (SpoolException.Damaged e) {
        log.warn("{}; the database is captured anew", e.getMessage());
      }
    }
    return Spool.begin(settings.metaPath(), uploader.newest(), 0, setup);
  }

  private void takeOpened(long now) throws IOException {
    if (!opening.orElseThrow().isDone()) {
      return;
    }
    CompletableFuture<Primary> done = opening.get();
    opening = Optional.empty();
    Primary opened = Futures.result(done);
    primary = Optional.of(opened);
    phase = Phase.CAPTURING;
    trouble = Optional.empty();
    isToBeginAnew = false;
    retryPauseNanos = RETRY_NANOS_MIN;
    capturedNanos = now - PACE_NANOS;
    restNanos = now + REST_AFTER_NANOS;
    isResting = false;
    looksLeft = LOOKS_AFTER_A_HINT;
  }

  private void replicate(Primary open, long now) throws IOException {
    List<CompletableFuture<Txid>> syncs = new ArrayList<>();
    for (var next = asked.poll(); next != null; next = asked.poll()) {
      syncs.add(next);
    }
    boolean isAsked = !syncs.isEmpty() || (endNanos.isPresent() && phase != Phase.ENDING);
    if (isAsked || now - capturedNanos >= PACE_NANOS) {
      capture(open, now);
    } else {
      looksLeft = LOOKS_AFTER_A_HINT;
      serial.wakeAt(capturedNanos + PACE_NANOS);
    }
    if (!open.capture().isHeld()) {
      asked.addAll(syncs);
      beginAgain(now);
      return;
    }
    if (isAsked && !open.capture().isCurrent()) {
      asked.addAll(syncs);
      syncs.clear();
      serial.wakeAt(now + PACE_NANOS);
    }
    syncs.forEach(open.shipping()::sync);
    if (endNanos.isPresent() && phase != Phase.ENDING) {
      phase = Phase.ENDING;
      open.shipping().sync(new CompletableFuture<>());
    }
    open.shipping().step(now).ifPresent(serial::wakeAt);
    if (phase == Phase.ENDING && open.shipping().isDone()) {
      serial.wakeAt(now); // nobody else says that it is the end
    }
  }

  /** What was missed is looked for where that may take long. */
  private void beginAgain(long now) {
    letGo();
    phase = Phase.WAITING;
    retryNanos = now;
    serial.wakeAt(now);
  }

  private void capture(Primary open, long now) throws IOException {
    capturedNanos = now;
    if (open.capture().capture() > 0) {
      open.shipping().captured(now);
      restNanos = now + REST_AFTER_NANOS;
      isResting = false;
      looksLeft = LOOKS_AFTER_A_HINT;
    } else {
      looksLeft--;
    }
    if (looksLeft > 0) {
      serial.wakeAt(now + PACE_NANOS);
    } else if (!isResting && restNanos - now <= 0) {
      open.capture().rest();
      isResting = true;
      restNanos = now + REST_AGAIN_NANOS;
    } else if (!isResting) {
      serial.wakeAt(restNanos);
    }
  }

  /** Lets go of the database, and says when to try again; a person looks at what stays as it is. */
  private void trouble(Exception failure, long now) {
    String text = Optional.ofNullable(failure.getMessage()).orElse(failure.toString());
    if (failure instanceof RuntimeException) {
      log.error("replicate {}", settings.path(), failure);
    } else if (!trouble.equals(Optional.of(text))) {
      log.warn("replicate {}: {}", settings.path(), text);
    }
    trouble = Optional.of(text);
    letGo();
    boolean isRefused = failure instanceof ReplicaException.Denied && uploaded.equals(Txid.NONE);
    if (failure instanceof Uploader.SecondWriterException || isRefused) {
      finish();
      return;
    }
    isToBeginAnew |= failure instanceof Shipping.NotContinuousException;
    phase = endNanos.isPresent() ? Phase.ENDING : Phase.WAITING;
    retryNanos = now + retryPauseNanos;
    retryPauseNanos = Math.min(2 * retryPauseNanos, RETRY_NANOS_MAX);
    serial.wakeAt(retryNanos);
  }

  private void letGo() {
    if (primary.isPresent()) {
      Primary open = primary.get();
      primary = Optional.empty();
      asked.addAll(open.shipping().abandon());
      try {
        open.capture().close();
      } catch (IOException e) {
        log.warn("replicate {}: {}", settings.path(), e.getMessage());
      }
      leaving = Optional.of(open);
      close(open);
    }
  }

  /**
   * Closes a spool that is not captured into any more; false if one of its cuts is being written.
   */
  private boolean close(Primary open) {
    if (open.shipping().isCutting()) {
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
    failAsked(new IOException(trouble.orElse(settings.path() + " is not replicated any more")));
    client.close();
    ended.complete(null);
  }

  private void failAsked(IOException why) {
    for (var next = asked.poll(); next != null; next = asked.poll()) {
      next.completeExceptionally(why);
    }
  }

  private void publish(long now) {
    DatabaseStatus before = status;
    DatabaseStatus is = status(now);
    status = is;
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

  private DatabaseStatus status(long now) {
    Optional<Shipping> shipping = primary.map(Primary::shipping);
    return new DatabaseStatus(
        settings.path(),
        client.location(),
        phase,
        primary.map(open -> open.spool().lastCut().txid()).orElse(Txid.NONE),
        shipping.map(Shipping::uploaded).orElse(Txid.NONE),
        Duration.ofNanos(
            shipping.flatMap(Shipping::sinceNanos).map(since -> now - since).orElse(0L)),
        shipping.map(Shipping::waitingBytes).orElse(0L),
        trouble.or(() -> shipping.flatMap(Shipping::trouble)));
  }
}
