package dev.sluice.replicator.capture;

import dev.sluice.replicator.spool.Spool;
import java.nio.file.Path;
import java.time.Duration;
import java.time.InstantSource;
import java.util.function.LongSupplier;

/**
 * What the capture of one database is given. Immutable.
 *
 * @param database its path
 * @param ownsProcess whether all connections of this process to the database are ours: then its
 *     file may be closed, which drops every lock that the process has on it
 * @param checkpointPages pages in the WAL from which on it is checkpointed, 1 or more
 * @param spoolBytesMax how much may wait in the spool; more is taken only by a spool that is empty
 * @param spoolBytesKept what of the spool does not count as that, as it may be deleted at any time;
 *     thread-safe
 * @param trimAfter after so long without a commit only what holds the WAL stays open
 * @param clock as that of the file system
 * @param nanoTime for intervals
 * @param steps hears of each step
 */
public record CaptureSettings(
    Path database,
    boolean ownsProcess,
    int checkpointPages,
    long spoolBytesMax,
    LongSupplier spoolBytesKept,
    Duration trimAfter,
    InstantSource clock,
    LongSupplier nanoTime,
    CaptureStep.Listener steps) {

  /** Pages in the WAL at which SQLite itself checkpoints. */
  public static final int CHECKPOINT_PAGES = 1000;

  private static final Duration TRIM_AFTER = Duration.ofSeconds(10);

  public CaptureSettings {
    if (checkpointPages < 1 || spoolBytesMax < 1) {
      throw new IllegalArgumentException(
          "checkpoint at " + checkpointPages + " pages, spool of " + spoolBytesMax + " bytes");
    }
  }

  /** Returns the settings of a database in a process of our own, without a limit of the spool. */
  public static CaptureSettings of(Path database) {
    return new CaptureSettings(
        database,
        true,
        CHECKPOINT_PAGES,
        Long.MAX_VALUE,
        () -> 0,
        TRIM_AFTER,
        InstantSource.system(),
        System::nanoTime,
        step -> {});
  }

  /** Returns these with another {@code ownsProcess}. */
  public CaptureSettings withOwnProcess(boolean isOurs) {
    return new CaptureSettings(
        database,
        isOurs,
        checkpointPages,
        spoolBytesMax,
        spoolBytesKept,
        trimAfter,
        clock,
        nanoTime,
        steps);
  }

  /** Returns these with another number of pages. */
  public CaptureSettings withCheckpointPages(int pages) {
    return new CaptureSettings(
        database,
        ownsProcess,
        pages,
        spoolBytesMax,
        spoolBytesKept,
        trimAfter,
        clock,
        nanoTime,
        steps);
  }

  /** Returns these with another limit of the spool. */
  public CaptureSettings withSpoolBytesMax(long bytes) {
    return new CaptureSettings(
        database,
        ownsProcess,
        checkpointPages,
        bytes,
        spoolBytesKept,
        trimAfter,
        clock,
        nanoTime,
        steps);
  }

  /** Returns these with files in the spool that do not count. */
  public CaptureSettings withSpoolBytesKept(LongSupplier bytes) {
    return new CaptureSettings(
        database,
        ownsProcess,
        checkpointPages,
        spoolBytesMax,
        bytes,
        trimAfter,
        clock,
        nanoTime,
        steps);
  }

  /** Returns how much waits in a spool. */
  long waitingBytes(Spool spool) {
    return spool.bytes() - spoolBytesKept.getAsLong();
  }

  /** Returns these with another time after which an idle database is trimmed. */
  public CaptureSettings withTrimAfter(Duration time) {
    return new CaptureSettings(
        database,
        ownsProcess,
        checkpointPages,
        spoolBytesMax,
        spoolBytesKept,
        time,
        clock,
        nanoTime,
        steps);
  }

  /** Returns these with another time. */
  public CaptureSettings withTime(InstantSource otherClock, LongSupplier otherNanoTime) {
    return new CaptureSettings(
        database,
        ownsProcess,
        checkpointPages,
        spoolBytesMax,
        spoolBytesKept,
        trimAfter,
        otherClock,
        otherNanoTime,
        steps);
  }

  /** Returns these with a listener. */
  public CaptureSettings withSteps(CaptureStep.Listener listener) {
    return new CaptureSettings(
        database,
        ownsProcess,
        checkpointPages,
        spoolBytesMax,
        spoolBytesKept,
        trimAfter,
        clock,
        nanoTime,
        listener);
  }
}
