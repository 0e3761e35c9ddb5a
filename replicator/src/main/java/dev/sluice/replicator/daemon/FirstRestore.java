package dev.sluice.replicator.daemon;

import dev.sluice.cache.restore.DatabasePlace;
import dev.sluice.cache.restore.Restorer;
import dev.sluice.replicator.config.DatabaseEntry;
import dev.sluice.replicator.spool.SpoolException;
import dev.sluice.replicator.spool.SpoolGlance;
import dev.sluice.storage.Deadline;
import dev.sluice.storage.Environment;
import dev.sluice.storage.Listings;
import dev.sluice.storage.ReplicaClient;
import dev.sluice.storage.RequestMeter;
import dev.sluice.storage.Retries;
import dev.sluice.storage.Target;
import java.io.IOException;
import java.io.InterruptedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Optional;
import java.util.Random;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Restores databases that are to be restored if they are not there. Confined to one thread at a
 * time; an interrupt has it give up.
 */
final class FirstRestore implements AutoCloseable {
  private static final Logger log = LoggerFactory.getLogger(FirstRestore.class);

  /** How long a storage may be silent. */
  static final Duration PATIENCE = Duration.ofSeconds(60);

  private final Environment environment;
  private final Spools spools;
  private final ScheduledExecutorService timer =
      Executors.newSingleThreadScheduledExecutor(
          work -> {
            Thread thread = new Thread(work, "sluice-restore");
            thread.setDaemon(true);
            return thread;
          });
  private final Retries retries = Retries.standard(new Random(), timer);

  /** Ships what a database's spool holds, without which an older state would be restored. */
  @FunctionalInterface
  interface Spools {
    void ship(DatabaseEntry database) throws IOException;
  }

  FirstRestore(Environment environment, Spools spools) {
    this.environment = environment;
    this.spools = spools;
  }

  /**
   * Restores a database that asks for it, is not there, and has a replica with something in it. One
   * that another process replicates is left to that.
   *
   * @throws IOException if that fails, or this thread was interrupted
   */
  void restoreIfMissing(DatabaseEntry database) throws IOException {
    if (!database.restoresIfMissing() || Files.exists(database.path())) {
      return;
    }
    if (isInUse(database)) {
      log.warn("{} is not restored: another process replicates it", database.path());
      return;
    }
    shipFirst(database);
    try (ReplicaClient client = database.replica().open(environment)) {
      if (isEmpty(client)) {
        log.info("{} is not restored: {} has no files", database.path(), client.location());
        return;
      }
      Path folder = Optional.ofNullable(database.path().getParent()).orElseThrow();
      Files.createDirectories(folder);
      try (Restorer restorer = new Restorer(client, new RequestMeter(), PATIENCE)) {
        Restorer.Result result =
            restorer.restore(
                new Target.Latest(),
                database.path(),
                DatabasePlace.Existing.REFUSE,
                Restorer.Progress.none());
        log.info("{} is restored: TXID {}", database.path(), result.txid());
      }
    }
  }

  /** A process that had it before may be about to end. */
  private static boolean isInUse(DatabaseEntry database) throws IOException {
    long begunNanos = System.nanoTime();
    while (SpoolGlance.isInUse(database.metaPath())) {
      if (System.nanoTime() - begunNanos > Daemon.IN_USE_LIMIT.toNanos()) {
        return true;
      }
      Daemon.pauseInUse();
    }
    return false;
  }

  private void shipFirst(DatabaseEntry database) throws IOException {
    boolean holdsCommits = false;
    try {
      holdsCommits = SpoolGlance.holdsCommits(database.metaPath());
    } catch (SpoolException.Damaged e) {
      log.warn("{}: what its spool holds is lost: {}", database.path(), e.getMessage());
    }
    if (holdsCommits) {
      spools.ship(database);
    }
  }

  private boolean isEmpty(ReplicaClient client) throws IOException {
    String what = "list " + client.location();
    ReplicaClient retrying = retries.until(Deadline.after(PATIENCE, System::nanoTime), client);
    try {
      return Listings.all(retrying).get(PATIENCE.toSeconds(), TimeUnit.SECONDS).isEmpty();
    } catch (ExecutionException e) {
      throw e.getCause() instanceof IOException known ? known : new IOException(e.getCause());
    } catch (TimeoutException e) {
      throw new IOException(what + ": no answer", e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new InterruptedIOException(what + ": interrupted");
    }
  }

  @Override
  public void close() {
    timer.shutdownNow();
  }
}
