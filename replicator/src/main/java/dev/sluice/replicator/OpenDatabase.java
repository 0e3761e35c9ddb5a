package dev.sluice.replicator;

import dev.sluice.replicator.capture.CaptureSettings;
import dev.sluice.replicator.capture.DatabaseCapture;
import dev.sluice.replicator.spool.Spool;
import dev.sluice.replicator.spool.SpoolException;
import dev.sluice.replicator.spool.SpoolSetup;
import java.io.IOException;
import java.nio.file.Path;
import java.time.InstantSource;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.function.Consumer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * What is open of a database that is replicated: its spool, what captures into it, and what ships
 * out of it. Confined to the database's step, but for its jobs.
 */
final class OpenDatabase {
  private static final Logger log = LoggerFactory.getLogger(OpenDatabase.class);

  private final Spool spool;
  private final DatabaseCapture capture;
  private final Shipping shipping;
  private CompletableFuture<?> lent = CompletableFuture.completedFuture(true);
  private Optional<CompletableFuture<Boolean>> closingCapture = Optional.empty();
  private Optional<CompletableFuture<Boolean>> closingSpool = Optional.empty();

  private OpenDatabase(Spool spool, DatabaseCapture capture, Shipping shipping) {
    this.spool = spool;
    this.capture = capture;
    this.shipping = shipping;
  }

  /** What is made of the spool that is there, or is not. */
  enum SpoolUse {
    /** Goes on with it: there is no database with which to begin one. */
    OPEN,
    OPEN_OR_BEGIN,
    /** What is in it does not go on where the replica ends. */
    BEGIN
  }

  /** What a database is opened with. */
  record Setup(
      DatabaseSettings settings,
      RemoteReplica replica,
      TokenBucket tokens,
      Workers workers,
      Jobs jobs,
      Consumer<Enum<?>> steps) {

    SpoolSetup spool() {
      return new SpoolSetup(InstantSource.system(), steps::accept);
    }
  }

  /**
   * Opens the spool, which may take as long as reading it; where there is none yet the replica is
   * listed first, if one may be begun. The database is not looked at yet.
   */
  static CompletableFuture<OpenDatabase> open(Setup setup, SpoolUse use) {
    Workers workers = setup.workers();
    return setup
        .jobs()
        .start(workers.attaching(), () -> openThere(setup, use))
        .thenCompose(
            there ->
                there.map(CompletableFuture::completedFuture).orElseGet(() -> begin(setup, use)));
  }

  private static CompletableFuture<OpenDatabase> begin(Setup setup, SpoolUse use) {
    if (use == SpoolUse.OPEN) {
      Path database = setup.settings().path();
      return CompletableFuture.failedFuture(new IOException(database + ": the file is gone"));
    }
    RemoteReplica replica = setup.replica();
    return setup
        .jobs()
        .start(setup.workers().storage(replica.storage()), replica::listAnew)
        .thenCompose(end -> begin(setup, end));
  }

  /** A spool that is there goes on whether the storage answers or not. */
  private static Optional<OpenDatabase> openThere(Setup setup, SpoolUse use) throws IOException {
    if (use == SpoolUse.BEGIN) {
      return Optional.empty();
    }
    try {
      Spool spool = Spool.open(setup.settings().metaPath(), setup.spool());
      return Optional.of(with(spool, false, setup));
    } catch (SpoolException.NoRecord e) {
      log.debug("{}", e.getMessage());
    } catch (SpoolException.Damaged e) {
      log.warn("{}; the database is captured anew", e.getMessage());
    }
    return Optional.empty();
  }

  private static CompletableFuture<OpenDatabase> begin(Setup setup, RemoteReplica.End end) {
    return setup
        .jobs()
        .start(
            setup.workers().attaching(),
            () -> {
              Path directory = setup.settings().metaPath();
              Spool spool =
                  Spool.begin(directory, end.txid(), end.timestampMillis(), setup.spool());
              return with(spool, true, setup);
            });
  }

  /** Closes the spool, and so its lock, whatever goes wrong with the rest. */
  private static OpenDatabase with(Spool spool, boolean isImage, Setup setup) throws IOException {
    try {
      spool.notes().forEach(note -> log.info("{}", note));
      DatabaseSettings settings = setup.settings();
      KeptFiles kept = new KeptFiles(spool, setup);
      CaptureSettings how =
          CaptureSettings.of(settings.path())
              .withOwnProcess(settings.ownsProcess())
              .withCheckpointPages(settings.checkpointPages())
              .withSpoolBytesMax(settings.spoolBytesMax())
              .withSpoolBytesKept(kept::bytes)
              .withSteps(setup.steps()::accept);
      DatabaseCapture capture = DatabaseCapture.begin(how, spool, setup.workers().buffers());
      Shipping.Origin origin = new Shipping.Origin(spool, kept, isImage);
      return new OpenDatabase(spool, capture, new Shipping(origin, setup));
    } catch (RuntimeException | Error e) {
      spool.close();
      throw e;
    }
  }

  Spool spool() {
    return spool;
  }

  DatabaseCapture capture() {
    return capture;
  }

  Shipping shipping() {
    return shipping;
  }

  /** Returns how much is not shipped, and why; empty if all is. */
  Optional<String> unshipped() {
    String why = shipping.trouble().map(Trouble::text).orElse("no time was left");
    return Optional.of(shipping.waitingBytes())
        .filter(bytes -> bytes > 0)
        .map(bytes -> bytes + " bytes are not shipped: " + why);
  }

  /** Says which job has the capture and the spool's log: what is let go of waits for its end. */
  void lend(CompletableFuture<?> job) {
    lent = job;
  }

  /**
   * Goes on with letting go of it: first of the database; then, when no job uses it any more, of
   * the spool. A TXID that is being uploaded must not be given again meanwhile.
   *
   * @return whether all of it is closed; if not, to be called again when a job has ended
   */
  boolean isClosed(Workers workers, Jobs jobs) {
    if (!lent.isDone()) {
      return false;
    }
    if (!isAccepted(closingCapture)) {
      closingCapture = Optional.of(jobs.begin(workers.local(), () -> close(capture)));
    }
    if (!isOver(closingCapture) || shipping.isBusy()) {
      return false;
    }
    if (!isAccepted(closingSpool)) {
      closingSpool = Optional.of(jobs.begin(workers.local(), () -> close(spool)));
    }
    return isOver(closingSpool);
  }

  /** Returns whether all is let go of that no job uses. */
  boolean isLetGo() {
    return isOver(closingCapture) && (closingSpool.isEmpty() || isOver(closingSpool));
  }

  /** Returns whether a job closes it, or has: where all ends none may have been begun. */
  private static boolean isAccepted(Optional<CompletableFuture<Boolean>> closing) {
    return closing.filter(job -> !job.isCompletedExceptionally()).isPresent();
  }

  private static boolean isOver(Optional<CompletableFuture<Boolean>> closing) {
    return isAccepted(closing) && closing.filter(CompletableFuture::isDone).isPresent();
  }

  private static void close(AutoCloseable what) {
    try {
      what.close();
    } catch (IOException e) {
      log.warn("{}", e.getMessage());
    } catch (Exception | Error e) {
      log.error("let go of a database", e);
    }
  }

  /**
   * Closes one that nobody steps any more: here, or on the threads of the jobs that have it, when
   * they have ended. Uploads are not waited for: what is uploaded still is stored again by whoever
   * opens the spool next, and found to be there.
   */
  void abandon() {
    if (isAccepted(closingSpool)) {
      return;
    }
    CompletableFuture<?> captureClosed =
        isAccepted(closingCapture) ? closingCapture.get() : after(lent, () -> close(capture));
    var unused =
        after(CompletableFuture.allOf(captureClosed, shipping.writing()), () -> close(spool));
  }

  /** However the job ends. */
  private static CompletableFuture<?> after(CompletableFuture<?> job, Runnable work) {
    return job.handle((result, failure) -> null).thenRun(work);
  }
}
