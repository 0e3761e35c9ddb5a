package dev.sluice.replicator;

import dev.sluice.replicator.OpenDatabase.SpoolUse;
import dev.sluice.replicator.spool.SpoolException;
import java.io.IOException;
import java.nio.file.Files;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;

/**
 * How a database comes to be open: with the spool that it has, or with a new one that goes on where
 * the replica ends. One whose file is gone is opened only for what its spool still holds. Confined
 * to the database's step.
 */
final class Opening {
  private final OpenDatabase.Setup setup;
  private final LeftSpool left;
  private Optional<CompletableFuture<OpenDatabase>> underWay = Optional.empty();
  private boolean isToBeginAnew;

  /** Why the spool is to be set aside, if it is. */
  private Optional<String> setAsideWhy = Optional.empty();

  Opening(OpenDatabase.Setup setup, LeftSpool left) {
    this.setup = setup;
    this.left = left;
  }

  /** Returns whether there is something to open. */
  boolean isPossible() {
    boolean isLeft = left.isToBeShipped(); // who looks sees that the file is gone
    return isThere() || isLeft || setAsideWhy.isPresent();
  }

  private boolean isThere() {
    return Files.exists(setup.settings().path());
  }

  /** Begins; the database's step is woken when it is done. */
  void begin() {
    if (setAsideWhy.isPresent()) {
      underWay = Optional.of(setAside(setAsideWhy.get()));
      return;
    }
    boolean isAnew = isToBeginAnew && !left.isToBeSetAside(); // it may have gone since
    SpoolUse whole = isAnew ? SpoolUse.BEGIN : SpoolUse.OPEN_OR_BEGIN;
    underWay = Optional.of(OpenDatabase.open(setup, isThere() ? whole : SpoolUse.OPEN));
  }

  /** Never opens anything: what was set aside is said as a trouble. */
  private CompletableFuture<OpenDatabase> setAside(String why) {
    return setup
        .jobs()
        .start(
            setup.workers().attaching(),
            () -> {
              throw left.setAside(setup.spool(), why);
            });
  }

  /**
   * Takes note of what the last one failed with. A spool that does not go on where the replica ends
   * is begun anew by the next one, with an image of the database; what the database may not have is
   * set aside before that.
   */
  void failed(Throwable failure) {
    boolean isBroken = failure instanceof Continuity.BrokenException;
    if (isBroken && left.isToBeSetAside()) {
      setAsideWhy = Optional.of(String.valueOf(failure.getMessage()));
    } else if (isBroken) {
      isToBeginAnew = true;
    }
  }

  /** Returns whether it was begun, and what came out of it was not taken. */
  boolean isUnderWay() {
    return underWay.isPresent();
  }

  /** Returns whether {@link #take} has something. */
  boolean isDone() {
    return underWay.filter(CompletableFuture::isDone).isPresent();
  }

  /**
   * Returns what was opened.
   *
   * @throws IOException if that failed, or the spool was set aside
   */
  OpenDatabase take() throws IOException {
    CompletableFuture<OpenDatabase> done = underWay.orElseThrow();
    underWay = Optional.empty();
    try {
      OpenDatabase opened = Futures.result(done);
      isToBeginAnew = false;
      return opened;
    } catch (LeftSpool.SetAsideException | SpoolException.NoRecord e) { // or somebody removed it
      setAsideWhy = Optional.empty();
      throw e;
    }
  }

  /** Closes what comes out of it, if anything does. */
  void abandon() {
    underWay.ifPresent(
        opening -> {
          var unused = opening.thenAccept(OpenDatabase::abandon);
        });
    underWay = Optional.empty();
  }
}
