package dev.sluice.cache.restore;

import dev.sluice.cache.Planner;
import dev.sluice.cache.ViewException;
import dev.sluice.cache.Waits;
import dev.sluice.ltx.LockPage;
import dev.sluice.ltx.LtxDecoder;
import dev.sluice.ltx.LtxFormatException;
import dev.sluice.ltx.LtxHeader;
import dev.sluice.ltx.Txid;
import dev.sluice.storage.Deadline;
import dev.sluice.storage.LtxFile;
import dev.sluice.storage.ReplicaClient;
import dev.sluice.storage.ReplicaException;
import dev.sluice.storage.RequestMeter;
import dev.sluice.storage.RestorePlan;
import dev.sluice.storage.Retries;
import dev.sluice.storage.Target;
import java.io.FilterInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.InterruptedIOException;
import java.nio.channels.FileChannel;
import java.nio.file.AtomicMoveNotSupportedException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.util.HashMap;
import java.util.Map;
import java.util.Random;
import java.util.UUID;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.function.LongSupplier;

/**
 * Writes a replica's state into a database file: every file of the plan streamed, verified as a
 * whole and applied, oldest first.
 *
 * <p>The file appears under its name complete and synced, or not at all: until then it lies beside
 * it under a name of its own, and goes when the restore fails or its thread is interrupted. A
 * broken transfer begins its LTX file anew; memory does not grow with the database. Confined to one
 * thread at a time; it makes one thread for timers, {@code restore-timer}, which ends in {@link
 * #close()}.
 */
public final class Restorer implements AutoCloseable {
  private static final Duration PAUSE = Duration.ofMillis(200);

  private final ReplicaClient client;
  private final RequestMeter meter;
  private final Duration stallLimit;
  private final LongSupplier ticker;
  private final ScheduledExecutorService timer;
  private final Retries retries;
  private final CountDownLatch neverClosing = new CountDownLatch(1);

  /** What to do about a file that has the name already. */
  public enum Existing {
    REFUSE,
    /** Nobody may have the old database open; its journal and WAL are deleted with it. */
    REPLACE
  }

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
     * @param doneBytes bytes of LTX files read; smaller than before if a file had to be begun anew
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
    this(client, meter, stallLimit, System::nanoTime);
  }

  Restorer(ReplicaClient client, RequestMeter meter, Duration stallLimit, LongSupplier ticker) {
    this.ticker = ticker;
    this.client = client;
    this.meter = meter;
    this.stallLimit = stallLimit;
    this.timer =
        Executors.newSingleThreadScheduledExecutor(
            work -> {
              Thread thread = new Thread(work, "restore-timer");
              thread.setDaemon(true);
              return thread;
            });
    this.retries = Retries.standard(new Random(), timer);
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
  public Result restore(Target target, Path out, Existing existing, Progress progress)
      throws IOException {
    Path place = out.toAbsolutePath();
    if (existing == Existing.REFUSE) {
      requireAbsent(place);
    }
    Path temporary =
        place.resolveSibling("." + place.getFileName() + "." + UUID.randomUUID() + ".restoring");
    try {
      Result result = restore(target, temporary, progress);
      publish(temporary, place, existing);
      return result;
    } finally {
      Files.deleteIfExists(temporary);
    }
  }

  private Result restore(Target target, Path temporary, Progress progress) throws IOException {
    Deadline deadline = Deadline.after(stallLimit, ticker);
    Planner planner =
        new Planner(retries.until(deadline, client), meter, target, deadline, neverClosing);
    Map<LtxFile, Deadline> gone = new HashMap<>();
    while (true) {
      RestorePlan plan = planner.plan();
      Run run = new Run(plan, progress);
      try (DatabaseFile database = new DatabaseFile(temporary)) {
        // What an attempt before this one has left must not pass for zeros.
        database.setLength(0);
        return run.applyAll(database);
      } catch (LtxFormatException e) {
        planner.avoid(run.file, e);
        Deadline next = Deadline.after(stallLimit, ticker);
        planner.continueUntil(next, retries.until(next, client));
      } catch (ReplicaException.NotFound | ReplicaException.Conflict e) {
        // The first bytes may have taken hours: only a file that is listed and gone again and again
        // is waited for no longer than the limit.
        Deadline next = gone.computeIfAbsent(run.file, file -> Deadline.after(stallLimit, ticker));
        planner.continueUntil(next, retries.until(next, client));
        planner.relist(e);
      }
    }
  }

  private static void requireAbsent(Path place) throws IOException {
    for (String suffix : new String[] {"", "-journal", "-wal"}) {
      Path path = place.resolveSibling(place.getFileName() + suffix);
      if (Files.exists(path)) {
        throw new FileAlreadyExistsException(path.toString());
      }
    }
  }

  private static void publish(Path temporary, Path place, Existing existing) throws IOException {
    if (existing == Existing.REFUSE) {
      requireAbsent(place);
      linkOrMove(temporary, place);
    } else {
      // SQLite would play an old journal or WAL back into the new database.
      for (String suffix : new String[] {"-journal", "-wal", "-shm"}) {
        Files.deleteIfExists(place.resolveSibling(place.getFileName() + suffix));
      }
      moveOver(temporary, place);
    }
    try (FileChannel folder =
        FileChannel.open(place.resolveSibling("."), StandardOpenOption.READ)) {
      folder.force(true);
    } catch (IOException e) {
      // Not every file system can sync a folder; the file itself is synced.
    }
  }

  /** A link fails where a rename would replace a file that came meanwhile. */
  private static void linkOrMove(Path temporary, Path place) throws IOException {
    try {
      Files.createLink(place, temporary);
    } catch (FileAlreadyExistsException e) {
      throw e;
    } catch (IOException | UnsupportedOperationException e) {
      moveOver(temporary, place);
    }
  }

  private static void moveOver(Path temporary, Path place) throws IOException {
    try {
      Files.move(temporary, place, StandardCopyOption.ATOMIC_MOVE);
    } catch (AtomicMoveNotSupportedException e) {
      Files.move(temporary, place, StandardCopyOption.REPLACE_EXISTING);
    }
  }

  /** One plan on its way into a file. */
  private final class Run {
    private final RestorePlan plan;
    private final Progress progress;
    private final long totalBytes;
    private final PageSet pages = new PageSet();
    private LtxFile file;
    private int pageSize;
    private long commit;
    private long doneBytes;
    private long furthestByte;
    private final Stall stall = new Stall(stallLimit, ticker);

    Run(RestorePlan plan, Progress progress) {
      this.plan = plan;
      this.progress = progress;
      this.totalBytes = plan.files().stream().mapToLong(LtxFile::size).sum();
      this.file = plan.files().get(0);
    }

    Result applyAll(DatabaseFile database) throws IOException {
      for (LtxFile next : plan.files()) {
        file = next;
        furthestByte = 0;
        stall.reset();
        applyUntilWhole(database);
        doneBytes += next.size();
        progress.onBytes(doneBytes, totalBytes);
      }
      requireWhole();
      database.sync();
      return new Result(plan.txid(), commit, commit * pageSize);
    }

    private void applyUntilWhole(DatabaseFile database) throws IOException {
      while (true) {
        try {
          apply(database);
          return;
        } catch (ReplicaException.Unavailable e) {
          if (stall.isOver()) {
            throw e;
          }
          stall.beginWait();
          Waits.pause(PAUSE, stall.deadline(), neverClosing, "restore " + nameOf(file));
          stall.endWait();
          if (stall.isOver()) {
            throw e;
          }
        }
      }
    }

    private void apply(DatabaseFile database) throws IOException {
      meter.beginRound();
      InputStream in = open();
      try (LtxDecoder decoder = new LtxDecoder(new Watched(in), nameOf(file))) {
        LtxHeader header = decoder.header();
        requireFits(header);
        while (decoder.next()) {
          database.write(decoder.pgno(), decoder.page());
          pages.add(decoder.pgno());
        }
        decoder.finish();
        commit = header.commit();
        pages.cut(commit);
        database.setLength(commit * pageSize);
      }
    }

    private InputStream open() throws IOException {
      Deadline deadline = stall.deadline();
      stall.beginWait();
      try {
        return Waits.await(
            retries.until(deadline, client).open(file), deadline, "restore " + nameOf(file));
      } finally {
        stall.endWait();
      }
    }

    private void requireFits(LtxHeader header) throws IOException {
      if (!header.range().equals(file.name().range())) {
        throw new LtxFormatException(
            nameOf(file),
            16,
            "the header's TXIDs " + header.range() + " are not those of the name");
      }
      if (pageSize != 0 && pageSize != header.pageSize()) {
        throw new ViewException.PageSizeChanged(
            nameOf(file)
                + " has pages of "
                + header.pageSize()
                + " bytes, files before it of "
                + pageSize);
      }
      pageSize = header.pageSize();
    }

    private void requireWhole() throws ViewException {
      String what = "restore TXID " + plan.txid() + " of " + client.location() + ": ";
      if (commit == 0) {
        throw new ViewException.Deleted(what + "the database was deleted at this TXID");
      }
      long absent = pages.firstAbsent(1);
      if (absent == LockPage.pgno(pageSize)) {
        absent = pages.firstAbsent(absent + 1);
      }
      if (absent <= commit) {
        throw new ViewException.PageMissing(what + "no file holds page " + absent);
      }
    }

    /** Sees each byte of one transfer: new ones end a stall. */
    private final class Watched extends FilterInputStream {
      private long position;

      Watched(InputStream in) {
        super(in);
      }

      @Override
      public int read() throws IOException {
        byte[] one = new byte[1];
        return read(one, 0, 1) < 0 ? -1 : one[0] & 0xff;
      }

      @Override
      public int read(byte[] dst, int offset, int length) throws IOException {
        if (Thread.currentThread().isInterrupted()) {
          throw new InterruptedIOException("restore " + nameOf(file) + ": interrupted");
        }
        int count = awaitBytes(dst, offset, length);
        if (count > 0) {
          position += count;
          if (position > furthestByte) {
            furthestByte = position;
            stall.reset();
          }
          progress.onBytes(doneBytes + position, totalBytes);
        }
        return count;
      }

      private int awaitBytes(byte[] dst, int offset, int length) throws IOException {
        stall.beginWait();
        try {
          return super.read(dst, offset, length);
        } finally {
          stall.endWait();
        }
      }
    }
  }

  private String nameOf(LtxFile file) {
    return client.location(file.name());
  }

  /** Ends the timer. Idempotent. */
  @Override
  public void close() {
    timer.shutdownNow();
  }
}
