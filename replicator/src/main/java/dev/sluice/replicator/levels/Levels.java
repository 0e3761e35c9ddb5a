package dev.sluice.replicator.levels;

import dev.sluice.ltx.Txid;
import dev.sluice.replicator.upload.ReplicaWriter;
import dev.sluice.replicator.upload.SecondWriterException;
import dev.sluice.storage.Listings;
import dev.sluice.storage.LtxFile;
import dev.sluice.storage.LtxFileName;
import dev.sluice.storage.ReplicaClient;
import dev.sluice.storage.ReplicaException;
import java.io.IOException;
import java.io.InterruptedIOException;
import java.time.Duration;
import java.time.Instant;
import java.util.Collection;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Function;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The upkeep of one replica: its levels, snapshots and retention.
 *
 * <p>It knows what the replica holds from one listing at the start, and from then on from what was
 * stored and deleted: there is no request unless something is due, and nothing is ever due in a
 * replica to which nothing has come for long enough. What is due follows from the wall clock and
 * from what the replica holds, so a process that was killed at any point is gone on from by the
 * next one; nothing of it is kept on disk.
 *
 * <p>A file that is malformed is used no more, here; what it holds is taken from files of other
 * levels while there are such. Where history has a gap that the replica cannot fill, {@link
 * #needsImage} says so until an image of the whole database has come: that becomes a snapshot, with
 * which all goes on.
 *
 * <p>{@link #run} works on the thread of its caller, one at a time; the other methods may be called
 * on any thread meanwhile. They change state under a private lock, and none of them waits for a
 * run.
 */
public final class Levels {
  private static final Logger log = LoggerFactory.getLogger(Levels.class);

  /** Nothing is due until something comes. */
  public static final Instant NEVER = Instant.MAX;

  private static final Duration LISTING_VALID = Duration.ofHours(1);

  private final ReplicaWriter writer;
  private final LevelSetup setup;
  private final LevelSettings settings;
  private final Retention retention;
  private final Holdings holdings;
  private final Beginnings beginnings = new Beginnings();
  private final LevelSchedule schedule;
  private final GapWatch gap;
  private final LevelWork making;
  private final LevelLog counts = new LevelLog();
  private final ReentrantLock work = new ReentrantLock();

  private final Object lock = new Object();
  // All below changes under the lock.
  private final LevelTasks tasks = new LevelTasks();
  private Instant checked = Instant.EPOCH;
  private Optional<Txid> snapshotWanted = Optional.empty();
  private boolean isBegun;

  public Levels(ReplicaWriter writer, LevelSetup setup) {
    String location = writer.client().location();
    this.writer = writer;
    this.setup = setup;
    this.settings = setup.settings();
    this.retention = new Retention(settings);
    this.holdings = new Holdings(new ClockWatch(setup.clock(), setup.ticker()));
    this.schedule = new LevelSchedule(settings, location);
    this.gap = new GapWatch(location);
    LevelWork.Known known = new LevelWork.Known(holdings, beginnings, gap);
    this.making = new LevelWork(writer, setup, known, counts, this::listAnew);
  }

  /**
   * Lists the replica; to be called before anything else, and again if it fails or what is there is
   * not what was known. Deletes what a process before has left on disk, once.
   *
   * @throws ReplicaException if the storage does not answer
   */
  public void begin() throws IOException {
    boolean isFirst;
    synchronized (lock) {
      isFirst = !isBegun;
      isBegun = true;
    }
    if (isFirst) {
      making.deleteLeftover();
    }
    listAnew();
    reschedule();
  }

  private void listAnew() throws IOException {
    list();
    gap.look(holdings.files());
  }

  private void list() throws IOException {
    long startNanos = System.nanoTime();
    try (Holdings.Changes meanwhile = holdings.watch()) {
      ReplicaClient client = writer.client();
      List<LtxFile> files = writer.limit().await(Listings.all(client), "list " + client.location());
      lookAtClock();
      holdings.replace(files, meanwhile);
      holdings.trim(settings.top());
      synchronized (lock) {
        checked = holdings.now();
      }
      counts.done(LevelLog.Kind.LISTING, startNanos, 0, 0);
    } catch (IOException e) {
      counts.failed(LevelLog.Kind.LISTING, startNanos);
      throw e;
    }
    setup.steps().reached(LevelStep.LISTED);
  }

  /** Returns the file with the greatest TXID, of the lowest level; empty for an empty replica. */
  public Optional<LtxFile> newest() {
    return holdings.files().levels().stream()
        .flatMap(List::stream)
        .max(Comparator.comparing(HeldFile::max).thenComparing(file -> -file.name().level()))
        .flatMap(file -> holdings.find(file.name()));
  }

  /** Returns the TXID up to which level-0 files are in level 1: no run reads them again. */
  public Txid compacted() {
    return holdings.max(settings.top() == 0 ? LtxFileName.SNAPSHOT_LEVEL : 1);
  }

  /**
   * Lists the replica if nothing was stored or listed for an hour, to be called before an upload.
   *
   * @param next the TXID that is uploaded next: it may be there already, as an attempt without an
   *     answer has left it, and the uploader looks whether it is ours
   * @throws SecondWriterException if it has greater TXIDs
   * @throws ReplicaException if the storage does not answer
   */
  public void beforeUpload(Txid next) throws IOException {
    lookAtClock();
    synchronized (lock) {
      if (!checked.plus(LISTING_VALID).isBefore(holdings.now())) {
        return;
      }
    }
    list();
    Txid newest = holdings.newest();
    if (newest.isAfter(next)) {
      throw new SecondWriterException(
          writer.client().location()
              + ": somebody else writes to this replica: it has TXID "
              + newest
              + ", and ours is to be "
              + next);
    }
    gap.look(holdings.files());
    reschedule();
  }

  /** Takes note of files that were stored. */
  public void uploaded(Collection<LtxFile> stored) {
    lookAtClock();
    stored.forEach(holdings::add);
    synchronized (lock) {
      Instant now = holdings.now();
      checked = now;
      for (LtxFile file : stored) {
        Txid max = file.name().range().max();
        if (file.name().level() == LtxFileName.SNAPSHOT_LEVEL && max.isAfter(Txid.FIRST)) {
          beginnings.add(max);
        }
      }
      if (settings.top() > 0 && !gap.hasGap()) {
        tasks.compaction().dueBy(Windows.end(now, settings.interval(1)));
        return;
      }
    }
    reschedule();
  }

  /**
   * Has the next run make a snapshot, if there is anything that is not in one; it fails if that
   * cannot have all that there is now.
   */
  public void snapshotNow() {
    Txid newest = holdings.newest();
    synchronized (lock) {
      snapshotWanted = Optional.of(newest);
      tasks.snapshot().dueAtOnce();
    }
  }

  /**
   * Returns whether history has a gap, so that only an image of the whole database makes its
   * present state restorable again: as the next TXID, stored as every other.
   */
  public boolean needsImage() {
    return gap.hasGap();
  }

  /** Returns when {@link #run} has something to do; {@link #NEVER} until something comes. */
  public Instant nextDue() {
    lookAtClock();
    synchronized (lock) {
      return tasks.next();
    }
  }

  /** Returns whether {@link #run} would make a snapshot now, which takes long. */
  public boolean isSnapshotDue() {
    synchronized (lock) {
      return !tasks.snapshot().next().isAfter(holdings.now());
    }
  }

  /**
   * Ages are times that have passed, whatever the clock says: what is known moves with it when it
   * is set, so that a clock that was wrong for a minute neither deletes a month of restore points
   * nor leaves everything undone for a month.
   */
  private void lookAtClock() {
    Duration step;
    synchronized (lock) {
      step = holdings.lookAtClock();
      if (step.isZero()) {
        return;
      }
      // Set forward it may have been a sleep, in which somebody else has written.
      checked = step.isNegative() ? checked.plus(step) : Instant.EPOCH;
      tasks.shift(step);
      reschedule();
    }
    log.debug("{}: the clock was set by {} s", writer.client().location(), step.toSeconds());
  }

  /** Returns what was done so far, and what there is. */
  public LevelFigures figures() {
    return counts.figures(holdings.counts(), needsImage());
  }

  /**
   * Does what is due: what of it fails does not keep the rest from being done, and is thrown by
   * each run until it succeeds. Ends early when its thread is interrupted, with an {@link
   * InterruptedIOException}; what it had not ended is still due.
   *
   * @throws SecondWriterException if another file gets the name of one that was to be stored, again
   *     and again
   * @throws ReplicaException if the storage fails; {@link #nextDue} says when to try again
   */
  public void run() throws IOException {
    if (!work.tryLock()) {
      throw new IllegalStateException("two runs at a time");
    }
    try {
      lookAtClock();
      Optional<Txid> wanted;
      synchronized (lock) {
        wanted = snapshotWanted;
      }
      attempt(tasks.compaction(), this::compact);
      attempt(tasks.snapshot(), this::makeSnapshot);
      attempt(tasks.expiry(), this::expire);
      synchronized (lock) {
        tasks.requireWell();
      }
      if (wanted.isPresent()) {
        requireSnapshot(wanted.get());
      }
    } finally {
      work.unlock();
    }
  }

  private void requireSnapshot(Txid wanted) throws IOException {
    if (holdings.max(LtxFileName.SNAPSHOT_LEVEL).isBefore(wanted)) {
      throw new IOException(
          writer.client().location()
              + ": no snapshot of TXID "
              + wanted
              + " can be made: a file before it is missing or malformed");
    }
  }

  private interface Job {
    void run() throws IOException;
  }

  /** Does one kind of work if it is not to wait; notes when it is due next, done or failed. */
  private void attempt(LevelTask task, Job job) throws IOException {
    synchronized (lock) {
      if (task.next().isAfter(holdings.now())) {
        return;
      }
    }
    long before = making.fetchedBytes();
    boolean isDone = false;
    try {
      job.run();
      isDone = true;
    } catch (InterruptedIOException e) {
      throw e;
    } catch (IOException | RuntimeException e) {
      log.debug("{}", writer.client().location(), e);
      synchronized (lock) {
        task.failsWith(e);
      }
    } finally {
      holdings.trim(settings.top());
      synchronized (lock) {
        reschedule();
        Instant now = holdings.now();
        if (isDone) {
          task.done(now);
        } else {
          task.failed(now, making.fetchedBytes() - before);
        }
      }
    }
  }

  private void compact() throws IOException {
    making.settle(1, settings.top());
    making.takeImage();
    for (int level = 1; level <= settings.top(); level++) {
      int of = level;
      if (isDue(held -> schedule.compaction(held, of, beginnings.all()))) {
        making.compact(level);
      }
    }
  }

  /** Returns whether a time has come that follows from what there is. */
  private boolean isDue(Function<HeldFiles, Instant> due) {
    synchronized (lock) {
      return !due.apply(holdings.files()).isAfter(holdings.now());
    }
  }

  private void makeSnapshot() throws IOException {
    making.settle(LtxFileName.SNAPSHOT_LEVEL, LtxFileName.SNAPSHOT_LEVEL);
    boolean isWanted;
    synchronized (lock) {
      isWanted = snapshotWanted.isPresent();
    }
    if (isWanted || isDue(schedule::snapshot)) {
      making.snapshot();
    }
    if (isWanted) {
      synchronized (lock) {
        snapshotWanted = Optional.empty();
      }
    }
  }

  private void expire() throws IOException {
    List<LtxFileName> expired;
    synchronized (lock) {
      expired = retention.expired(holdings.files(), holdings.now());
    }
    if (expired.isEmpty()) {
      return;
    }
    long startNanos = System.nanoTime();
    if (settings.isRetentionEnabled()) {
      try {
        writer.delete(expired);
        counts.deleted(startNanos, expired.size());
      } catch (IOException e) {
        counts.failed(LevelLog.Kind.DELETION, startNanos);
        throw e;
      }
      setup.steps().reached(LevelStep.EXPIRED_DELETED);
    }
    holdings.remove(expired);
    beginnings.retain(holdings.files().snapshots().stream().map(HeldFile::max).toList());
  }

  /** Works out when what is due next, from all that there is. */
  private void reschedule() {
    int top = settings.top();
    synchronized (lock) {
      HeldFiles held = holdings.files();
      boolean isAtOnce = making.hasUnsettled(1, top) || gap.candidate(held).isPresent();
      int last = LtxFileName.SNAPSHOT_LEVEL;
      boolean isSnapshotAtOnce = snapshotWanted.isPresent() || making.hasUnsettled(last, last);
      tasks.dueAt(
          isAtOnce ? Instant.EPOCH : schedule.compaction(held, beginnings.all()),
          isSnapshotAtOnce ? Instant.EPOCH : schedule.snapshot(held),
          retention.nextExpiry(held).orElse(NEVER));
    }
  }
}
