package dev.sluice.replicator;

import dev.sluice.ltx.Txid;
import dev.sluice.replicator.spool.SpoolGlance;
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
import java.util.function.Consumer;

/** A database that a {@link Replicator} replicates. Thread-safe. */
public final class ReplicatedDatabase {
  private final DatabaseTask task;
  private final Optional<String> place;
  private final Consumer<ReplicatedDatabase> remove;

  ReplicatedDatabase(
      DatabaseTask task, Optional<String> place, Consumer<ReplicatedDatabase> remove) {
    this.task = task;
    this.place = place;
    this.remove = remove;
  }

  /** Returns the database's absolute path. */
  public Path path() {
    return task.settings().path();
  }

  public DatabaseSettings settings() {
    return task.settings();
  }

  /** Returns how far it is. */
  public DatabaseStatus status() {
    return task.status();
  }

  /** Returns for how long the replica has not had everything; empty if it never had. */
  public Optional<Duration> sinceSynced() {
    return task.progress().sinceSynced(System.nanoTime());
  }

  /**
   * Returns for how long the replica has not had everything, counted from the begin of its
   * replication if it never had.
   */
  public Duration unsyncedFor() {
    return task.progress().unsyncedFor(System.nanoTime());
  }

  /** Returns for how long there has been a trouble, of one reason or another; zero without. */
  public Duration troubledFor() {
    return task.progress().troubledFor(System.nanoTime());
  }

  /** Returns what was done since its replication began. */
  public DatabaseFigures figures() {
    return task.figures();
  }

  /**
   * Has all that is committed now brought into the replica, and returns a future of the TXID that
   * has it. The future fails with an {@link IOException} when the database's replication ends.
   */
  public CompletableFuture<Txid> sync() {
    return task.sync();
  }

  /**
   * Waits until the replica has all that is committed now, and returns the TXID that has it.
   *
   * @throws IOException if it has not within the limit: the message says why
   */
  public Txid syncAndWait(Duration limit) throws IOException {
    CompletableFuture<Txid> done = sync();
    try {
      return done.get(limit.toNanos(), TimeUnit.NANOSECONDS);
    } catch (ExecutionException e) {
      throw e.getCause() instanceof IOException known ? known : new IOException(e.getCause());
    } catch (TimeoutException e) {
      done.cancel(false); // nobody waits for it any more
      DatabaseStatus status = status();
      throw new IOException(
          "sync "
              + path()
              + ": not within "
              + limit
              + ": "
              + status.trouble().orElseGet(() -> whatItWaitsFor(status)),
          e);
    } catch (InterruptedException e) {
      done.cancel(false);
      Thread.currentThread().interrupt();
      throw new InterruptedIOException("sync " + path() + ": interrupted");
    }
  }

  private static String whatItWaitsFor(DatabaseStatus status) {
    return status.phase() == DatabaseStatus.Phase.WAITING
        ? "there is nothing in the database yet"
        : status.waitingBytes() + " bytes wait";
  }

  /**
   * Has a snapshot made of what is in the replica, and returns a future that completes when it is
   * there.
   */
  public CompletableFuture<Void> snapshot() {
    return task.snapshot();
  }

  /**
   * Ships what is captured, and lets go of the database, at the limit in any case; the replicator
   * does not know it any more then.
   */
  public CompletableFuture<Void> end(Duration limit) {
    return task.end(limit).whenComplete((ended, failure) -> remove.accept(this));
  }

  /**
   * Returns what of the database the replica lacks, as far as it is known, and why; empty if it has
   * all, or there was nothing. To be called when it has ended; looks at its files.
   */
  public Optional<String> unshipped() {
    if (task.isAllShipped()) {
      return Optional.empty();
    }
    Optional<String> trouble = status().trouble();
    return trouble.isPresent() || Files.exists(path()) || holdsCommits()
        ? Optional.of(withoutPath(trouble.orElse("not all is shipped: no time was left")))
        : Optional.empty();
  }

  /** What cannot be looked at may hold something. */
  private boolean holdsCommits() {
    try {
      return SpoolGlance.holdsCommits(settings().metaPath());
    } catch (IOException e) {
      return true;
    }
  }

  private String withoutPath(String why) {
    String prefix = path() + ": ";
    return why.startsWith(prefix) ? why.substring(prefix.length()) : why;
  }

  /** Returns what it has in common with another one whose replica is the same; empty if unknown. */
  Optional<String> place() {
    return place;
  }

  /** Ends the waiting of all who wait for it; to be called when nothing replicates it any more. */
  void abandon() {
    task.abandon();
  }
}
