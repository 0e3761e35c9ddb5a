package dev.sluice.replicator;

import dev.sluice.replicator.spool.SpoolException;
import dev.sluice.replicator.spool.SpoolGlance;
import dev.sluice.replicator.spool.SpoolRemoval;
import dev.sluice.replicator.spool.SpoolSetup;
import dev.sluice.replicator.upload.SecondWriterException;
import java.io.IOException;
import java.io.InterruptedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The spool of a database whose file is gone: what the application has committed and the replica
 * lacks may be nowhere else by now. It is shipped; where it cannot be, as the replica has a gap
 * before it, it is set aside, in a folder that nobody deletes. Confined to the database's step, but
 * for {@link #setAside}, which is a job's.
 */
final class LeftSpool {
  private static final Logger log = LoggerFactory.getLogger(LeftSpool.class);
  private static final Duration NO_LIMIT = Duration.ofDays(365);
  private static final long LOOK_MILLIS = 200;

  private final Path database;
  private final Path directory;
  private boolean isUnreadable;

  /** The file was gone since the spool had something to ship: what is there now may be another. */
  private boolean wasGone;

  private boolean isShipped;
  private boolean isSaid;

  /** What a spool held is in another folder now. */
  static final class SetAsideException extends IOException {
    private static final long serialVersionUID = 1L;

    SetAsideException(String message) {
      super(message);
    }
  }

  LeftSpool(DatabaseSettings settings) {
    this.database = settings.path();
    this.directory = settings.metaPath();
  }

  /** Returns whether there may be something to ship though the database is not there. */
  boolean isToBeShipped() {
    if (Files.exists(database) || isShipped) {
      return false;
    }
    boolean isHolding = isHolding();
    wasGone |= isHolding;
    return isHolding;
  }

  /** What cannot be looked at may hold something: opening it says why. */
  private boolean isHolding() {
    try {
      return SpoolGlance.holdsCommits(directory);
    } catch (SpoolException.Damaged e) {
      if (!isUnreadable) {
        log.warn("{}: what its spool holds is not shipped: {}", database, e.getMessage());
      }
      isUnreadable = true;
      return false;
    } catch (IOException e) {
      return true;
    }
  }

  /** Returns whether it is not to be begun anew: it may hold what the database has not. */
  boolean isToBeSetAside() {
    return (wasGone || !Files.exists(database)) && isHolding();
  }

  /** Takes note of that it was opened, with so many bytes to ship. */
  void opened(long waitingBytes) {
    isShipped = false;
    if (!isSaid && waitingBytes > 0 && !Files.exists(database)) {
      log.info(
          "{}: the file is gone; {} bytes that its spool holds are shipped",
          database,
          waitingBytes);
      isSaid = true;
    }
  }

  /** Takes note of how far it is, and whether the file is gone meanwhile. */
  void seen(Shipping shipping, boolean isGone) {
    boolean isDone = shipping.isDone();
    if (isDone && isSaid) {
      log.info("{}: its spool is shipped, up to TXID {}", database, shipping.uploaded());
      isSaid = false;
    }
    isShipped = isDone && isGone;
    wasGone = !isDone && (wasGone || isGone);
  }

  /** Returns whether nothing is to be done before the file comes. */
  boolean isShipped() {
    return isShipped && !Files.exists(database);
  }

  /**
   * Moves all of it to where nobody looks for it; what comes then begins anew. Nobody else may have
   * it open.
   *
   * @return what to say of it
   * @throws IOException if it could not be moved: it is where it was
   */
  SetAsideException setAside(SpoolSetup setup, String why) throws IOException {
    Path aside = SpoolRemoval.setAside(directory, setup);
    return new SetAsideException(
        database
            + ": what its spool held is not shipped, and lies in "
            + aside
            + " now, where nobody deletes it: "
            + why);
  }

  /** Returns what to say of a failure for which nothing is shipped, if that is what it means. */
  Throwable named(Throwable failure) {
    boolean isOfTheReplica =
        failure instanceof SecondWriterException || failure instanceof Continuity.BrokenException;
    return isOfTheReplica && isToBeShipped()
        ? new IOException(
            database
                + ": what its spool "
                + directory
                + " holds is not shipped: "
                + failure.getMessage(),
            failure)
        : failure;
  }

  /**
   * Has a task ship all of it, and end. Where it does not go on from the replica's end nothing is
   * shipped; the log says so.
   *
   * @param limit how long there may be a trouble
   * @throws IOException if it could not be shipped, or this thread was interrupted
   */
  static void ship(DatabaseTask task, Duration limit) throws IOException {
    CompletableFuture<Void> ended = task.end(NO_LIMIT);
    Patience patience = new Patience(limit);
    try {
      while (!isDone(ended)) {
        if (patience.isOver(task.status(), System.nanoTime())) {
          ended = task.end(Duration.ZERO);
        }
      }
    } catch (InterruptedException e) {
      var unused = task.end(Duration.ZERO);
      Thread.currentThread().interrupt();
      throw new InterruptedIOException("ship " + task.settings().metaPath() + ": interrupted");
    }
    requireShipped(task);
  }

  private static void requireShipped(DatabaseTask task) throws IOException {
    Optional<Throwable> failure = task.failure();
    boolean isLeft =
        failure
            .filter(is -> is instanceof SecondWriterException || is instanceof SetAsideException)
            .isPresent();
    if (task.isAllShipped() || isLeft) {
      return;
    }
    Path directory = task.settings().metaPath();
    if (failure.isPresent()) {
      String why = task.status().trouble().orElse(failure.get().toString());
      throw new IOException(why, failure.get());
    }
    if (SpoolGlance.holdsCommits(directory)) {
      throw new IOException(
          task.settings().path() + ": what its spool " + directory + " holds is not shipped");
    }
  }

  private static boolean isDone(CompletableFuture<Void> ended) throws InterruptedException {
    try {
      ended.get(LOOK_MILLIS, TimeUnit.MILLISECONDS);
      return true;
    } catch (TimeoutException e) {
      return false;
    } catch (ExecutionException e) {
      throw new IllegalStateException(e);
    }
  }
}
