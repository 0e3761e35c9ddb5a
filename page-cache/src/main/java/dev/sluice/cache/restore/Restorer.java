package dev.sluice.cache.restore;

import dev.sluice.cache.KnownFile;
import dev.sluice.cache.Planner;
import dev.sluice.cache.ViewException;
import dev.sluice.cache.bulk.BulkReader;
import dev.sluice.ltx.LtxFormatException;
import dev.sluice.ltx.Txid;
import dev.sluice.storage.Deadline;
import dev.sluice.storage.LtxFile;
import dev.sluice.storage.ReplicaClient;
import dev.sluice.storage.ReplicaException;
import dev.sluice.storage.RequestMeter;
import dev.sluice.storage.RestorePlan;
import dev.sluice.storage.Retries;
import dev.sluice.storage.Target;
import java.io.IOException;
import java.io.InterruptedIOException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.function.LongSupplier;

/**
 * Writes a replica's state into a database file: the files of the plan are read in parallel, each
 * is verified as a whole, and each page is written once, to its place.
 *
 * <p>The file appears under its name complete and synced, or not at all: until then it lies beside
 * it under a name of its own, and goes when the restore fails or its thread is interrupted. A
 * broken transfer goes on where it broke; memory does not grow with the database, but for its page
 * index. Confined to one thread at a time; it makes one thread for timers, {@code restore-timer},
 * which ends in {@link #close()}, and for each restore {@code restore-1} and so on, which decode
 * and write.
 */
public final class Restorer implements AutoCloseable {
  private final ReplicaClient client;
  private final RequestMeter meter;
  private final Duration stallLimit;
  private final LongSupplier ticker;
  private final ScheduledExecutorService timer;
  private final Retries retries;
  private final Transfers transfers;
  private final BulkReader reader;
  private final CountDownLatch neverClosing = new CountDownLatch(1);
  private List<KnownFile> read = List.of();

  /** Is told how far a restore is; called on its thread. */
  @FunctionalInterface
  public interface Progress {

    /** Returns a listener that does nothing. */
    static Progress none() {
      return (doneBytes, totalBytes) -> {};
    }

    /**
     * Tells the latest figures.
     *
     * @param doneBytes bytes of LTX files read; smaller than before where another plan had to be
     *     made
     * @param totalBytes bytes of all LTX files of the plan
     */
    void onBytes(long doneBytes, long totalBytes);
  }

  /**
   * What was restored.
   *
   * @param txid the TXID whose state the file has
   * @param pages the size of the database in pages
   * @param bytes the size of the database file
   */
  public record Result(Txid txid, long pages, long bytes) {}

  /**
   * Takes what restores have in common.
   *
   * @param client not closed here
   * @param meter is told of rounds
   * @param stallLimit how long in all to wait for the storage without any new byte, and how long an
   *     empty replica is waited for, and a file that is listed but gone
   */
  public Restorer(ReplicaClient client, RequestMeter meter, Duration stallLimit) {
    this(client, meter, BulkReader.Setup.of("restore", stallLimit));
  }

  Restorer(ReplicaClient client, RequestMeter meter, BulkReader.Setup setup) {
    this.ticker = setup.ticker();
    this.client = client;
    this.meter = meter;
    this.stallLimit = setup.stallLimit();
    this.timer =
        Executors.newSingleThreadScheduledExecutor(
            work -> {
              Thread thread = new Thread(work, "restore-timer");
              thread.setDaemon(true);
              return thread;
            });
    this.retries = Retries.standard(new Random(), timer);
    this.transfers = new Transfers(client, meter, retries, stallLimit, ticker);
    this.reader = new BulkReader(client, meter, retries, setup);
  }

  /**
   * Restores the state at {@code target} into {@code out}.
   *
   * @throws FileAlreadyExistsException if {@code out}, or a journal or WAL of it, exists and is not
   *     to be replaced
   * @throws ViewException if the files do not give the state
   * @throws LtxFormatException if a file is malformed and there is no plan without it
   * @throws ReplicaException if the storage refuses, or brings nothing new for the stall limit
   * @throws InterruptedIOException if this thread was interrupted, which it still is then
   */
  public Result restore(Target target, Path out, DatabasePlace.Existing existing, Progress progress)
      throws IOException {
    try (DatabasePlace place = new DatabasePlace(out, existing)) {
      place.requireFree();
      Result result = restore(target, place, progress);
      place.publish();
      return result;
    }
  }

  /**
   * As the other, but the database does not get its name yet: whoever made the place looks at
   * {@link DatabasePlace#staging}, publishes it, and closes it.
   */
  public Result restore(Target target, DatabasePlace place, Progress progress) throws IOException {
    read = List.of();
    place.begin();
    Deadline deadline = Deadline.after(stallLimit, ticker);
    Planner planner =
        new Planner(retries.until(deadline, client), meter, target, deadline, neverClosing);
    Map<LtxFile, Deadline> gone = new HashMap<>();
    while (true) {
      RestorePlan plan = planner.plan();
      try (DatabaseFile database = new DatabaseFile(place.staging())) {
        // What an attempt before this one has left must not pass for zeros.
        database.setLength(0);
        return read(plan, database, progress);
      } catch (LtxFormatException e) {
        planner.avoid(reader.failed().orElseThrow(), e);
        Deadline next = Deadline.after(stallLimit, ticker);
        planner.continueUntil(next, retries.until(next, client));
      } catch (ReplicaException.NotFound | ReplicaException.Conflict e) {
        // The first bytes may have taken hours: only a file that is listed and gone again and again
        // is waited for no longer than the limit.
        Deadline next =
            gone.computeIfAbsent(
                reader.failed().orElseThrow(), file -> Deadline.after(stallLimit, ticker));
        planner.continueUntil(next, retries.until(next, client));
        planner.relist(e);
      }
    }
  }

  /** Returns the files that the last restore read, in the order in which they were applied. */
  public List<KnownFile> read() {
    return read;
  }

  /** Returns what fetches files of the same replica, for the thread of this. */
  Transfers transfers() {
    return transfers;
  }

  private Result read(RestorePlan plan, DatabaseFile database, Progress progress)
      throws IOException {
    RestoredPages pages = new RestoredPages(database, plan.files(), progress);
    List<LtxFile> newestFirst = new ArrayList<>(plan.files());
    Collections.reverse(newestFirst);
    reader.read(newestFirst, pages);
    pages.finish("restore TXID " + plan.txid() + " of " + client.location() + ": ");
    read = plan.files().stream().map(pages::known).toList();
    return new Result(plan.txid(), pages.commit(), pages.commit() * pages.pageSize());
  }

  /** Ends the timer. Idempotent. */
  @Override
  public void close() {
    timer.shutdownNow();
  }
}
