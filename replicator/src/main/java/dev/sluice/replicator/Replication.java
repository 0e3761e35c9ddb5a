package dev.sluice.replicator;

import dev.sluice.ltx.Txid;
import dev.sluice.replicator.capture.DatabaseCapture;
import dev.sluice.replicator.spool.Cut;
import dev.sluice.replicator.spool.Spool;
import dev.sluice.replicator.spool.SpoolException;
import dev.sluice.replicator.spool.SpoolSetup;
import dev.sluice.replicator.spool.SpooledFile;
import dev.sluice.replicator.upload.CallLimit;
import dev.sluice.replicator.upload.ReplicaWriter;
import dev.sluice.replicator.upload.Uploader;
import dev.sluice.storage.LtxFile;
import dev.sluice.storage.ReplicaClient;
import dev.sluice.storage.ReplicaException;
import java.io.IOException;
import java.nio.file.ClosedWatchServiceException;
import java.nio.file.Path;
import java.nio.file.StandardWatchEventKinds;
import java.nio.file.WatchKey;
import java.nio.file.WatchService;
import java.time.Duration;
import java.time.InstantSource;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Replicates one live database to one replica, as a new level-0 file for each interval in which
 * something was committed.
 *
 * <p>Everything but an upload happens on the thread that calls {@link #run}; an upload on one of
 * ours. What is captured and not uploaded yet waits in a spool beside the database, {@code
 * .<name>-litestream}. {@link #stop} may be called by any thread.
 */
public final class Replication {
  private static final Logger log = LoggerFactory.getLogger(Replication.class);
  private static final Duration CALL_LIMIT = Duration.ofSeconds(60);
  private static final Duration REST_AFTER = Duration.ofSeconds(1);

  /** How often the WAL is looked at though nobody has said that it changed. */
  private static final Duration LOOK = Duration.ofMillis(50);

  private static final Duration LONGEST_PAUSE = Duration.ofSeconds(30);
  private static final int HISTORY_BEGINS = 0;

  private final Path database;
  private final ReplicaWriter writer;
  private Optional<Uploader> uploader = Optional.empty();
  private final Duration syncInterval;
  private volatile boolean isStopping;
  private Optional<CompletableFuture<Void>> upload = Optional.empty();
  private long cutNanos;

  /**
   * Takes what is to be replicated, and where to.
   *
   * @param client makes one attempt for each call; the caller closes it after {@link #run}
   * @param syncInterval at least so long lies between two uploads
   */
  public Replication(Path database, ReplicaClient client, Duration syncInterval) {
    this.database = database.toAbsolutePath();
    this.writer = new ReplicaWriter(client, new CallLimit(CALL_LIMIT));
    this.syncInterval = syncInterval;
    this.cutNanos = System.nanoTime() - syncInterval.toNanos();
  }

  /**
   * Uploads what is committed now, and ends.
   *
   * @throws IOException if the database cannot be captured, or the replica is another writer's
   */
  public void once() throws IOException {
    try (Spool spool = spool();
        DatabaseCapture capture = DatabaseCapture.begin(database, spool)) {
      capture.capture();
      finish(spool);
    }
  }

  /**
   * Replicates until {@link #stop}; what was committed before that is uploaded then.
   *
   * @throws IOException if the database cannot be captured any more, or the replica is another
   *     writer's
   */
  public void run() throws IOException {
    Path folder = Optional.ofNullable(database.getParent()).orElseThrow();
    try (Spool spool = spool();
        DatabaseCapture capture = DatabaseCapture.begin(database, spool);
        WatchService changes = folder.getFileSystem().newWatchService()) {
      folder.register(
          changes, StandardWatchEventKinds.ENTRY_MODIFY, StandardWatchEventKinds.ENTRY_CREATE);
      follow(capture, spool, changes);
      capture.capture();
      finish(spool);
    }
  }

  /** Has {@link #run} end soon. */
  public void stop() {
    isStopping = true;
  }

  private void follow(DatabaseCapture capture, Spool spool, WatchService changes)
      throws IOException {
    long changedNanos = System.nanoTime();
    boolean isResting = false;
    while (!isStopping) {
      if (capture.capture() > 0) {
        changedNanos = System.nanoTime();
        isResting = false;
      } else if (!isResting && isPast(changedNanos, REST_AFTER)) {
        capture.rest();
        isResting = true;
      }
      uploadIfDue(spool);
      waitForChange(changes);
    }
  }

  private static boolean isPast(long sinceNanos, Duration time) {
    return System.nanoTime() - sinceNanos >= time.toNanos();
  }

  /** A commit changes the WAL; which file changed is not looked at, as the truth is in the WAL. */
  private void waitForChange(WatchService changes) {
    try {
      Optional<WatchKey> key =
          Optional.ofNullable(changes.poll(LOOK.toMillis(), TimeUnit.MILLISECONDS));
      key.ifPresent(
          changed -> {
            changed.pollEvents();
            changed.reset();
          });
    } catch (InterruptedException | ClosedWatchServiceException e) {
      isStopping = true;
    }
  }

  private void uploadIfDue(Spool spool) throws IOException {
    if (upload.isPresent() && !upload.get().isDone()) {
      return;
    }
    if (upload.isPresent()) {
      requireWell(upload.get());
      upload = Optional.empty();
    }
    if (spool.logBytes() > 0 && isPast(cutNanos, syncInterval)) {
      cutNanos = System.nanoTime();
      start(spool, spool.pendingCut().isPresent() ? spool.pendingCut() : spool.seal());
    } else if (spool.pendingCut().isPresent() || !spool.files().isEmpty()) {
      start(spool, spool.pendingCut());
    }
  }

  private void start(Spool spool, Optional<Cut> cut) {
    CompletableFuture<Void> done = new CompletableFuture<>();
    upload = Optional.of(done);
    Thread thread =
        new Thread(
            () -> {
              try {
                if (cut.isPresent()) {
                  cut.get().write();
                }
                uploadAll(spool);
                done.complete(null);
              } catch (IOException | RuntimeException | Error e) {
                done.completeExceptionally(e);
              }
            },
            "upload-" + database.getFileName());
    thread.setDaemon(true);
    thread.start();
  }

  private static void requireWell(CompletableFuture<Void> upload) throws IOException {
    try {
      upload.join();
    } catch (java.util.concurrent.CompletionException e) {
      if (e.getCause() instanceof IOException known) {
        throw known;
      }
      throw e;
    }
  }

  /** Uploads the spool's files, oldest first, and tries until it succeeds or is to stop. */
  private void uploadAll(Spool spool) throws IOException {
    Duration pause = Duration.ofMillis(100);
    for (SpooledFile file : spool.files()) {
      while (true) {
        try {
          uploader.orElseThrow().store(file);
          break;
        } catch (ReplicaException.Denied e) {
          throw e;
        } catch (ReplicaException e) {
          if (isStopping) {
            throw e;
          }
          log.warn("{}", e.getMessage());
          pause(pause);
          pause = pause.multipliedBy(2);
          pause = pause.compareTo(LONGEST_PAUSE) < 0 ? pause : LONGEST_PAUSE;
        }
      }
      spool.delete(file.txid());
    }
  }

  private void pause(Duration time) {
    long begunNanos = System.nanoTime();
    while (!isStopping && !isPast(begunNanos, time)) {
      java.util.concurrent.locks.LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(20));
    }
  }

  /** Uploads all that there is, when nothing comes any more. */
  private void finish(Spool spool) throws IOException {
    if (upload.isPresent()) {
      requireWell(upload.get());
      upload = Optional.empty();
    }
    Optional<Cut> pending = spool.pendingCut();
    if (pending.isPresent()) {
      pending.get().write();
    }
    Optional<Cut> last = spool.seal();
    if (last.isPresent()) {
      last.get().write();
    }
    uploadAll(spool);
  }

  /**
   * Opens the spool if what it has follows on the replica; begins another, from the replica's
   * newest TXID on, if it does not.
   */
  private Spool spool() throws IOException {
    Path directory = database.resolveSibling("." + database.getFileName() + "-litestream");
    SpoolSetup setup = SpoolSetup.of(InstantSource.system());
    Optional<LtxFile> last = Uploader.newest(writer);
    uploader = Optional.of(new Uploader(writer, directory, last, step -> {}));
    Txid newest = last.map(file -> file.name().range().max()).orElse(Txid.NONE);
    try {
      Spool spool = Spool.open(directory, setup);
      spool.notes().forEach(note -> log.info("{}", note));
      if (followsOn(newest, spool)) {
        return spool;
      }
      log.warn("{}: the spool does not follow on TXID {} of the replica", database, newest);
      spool.close();
    } catch (SpoolException.NoRecord | SpoolException.Damaged e) {
      log.debug("{}", e.getMessage());
    }
    return Spool.begin(directory, newest, HISTORY_BEGINS, setup);
  }

  private static boolean followsOn(Txid newest, Spool spool) throws IOException {
    List<SpooledFile> files = spool.files();
    Txid last = spool.lastCut().txid();
    Txid first = files.isEmpty() ? last.next() : files.get(0).txid();
    // What was stored last may not have been deleted here before the end.
    return !newest.isAfter(last) && !first.isAfter(newest.next());
  }
}
