package dev.sluice.replicator.levels;

import dev.sluice.ltx.CompactionException;
import dev.sluice.ltx.Txid;
import dev.sluice.ltx.TxidRange;
import dev.sluice.replicator.upload.ReplicaWriter;
import dev.sluice.replicator.upload.SecondWriterException;
import dev.sluice.storage.Listings;
import dev.sluice.storage.LtxFile;
import dev.sluice.storage.LtxFileName;
import dev.sluice.storage.ReplicaClient;
import dev.sluice.storage.ReplicaException;
import java.io.IOException;
import java.time.Duration;
import java.time.Instant;
import java.util.Collection;
import java.util.Comparator;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.locks.ReentrantLock;
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
  private static final Duration FIRST_PAUSE = Duration.ofSeconds(1);
  private static final int LONGEST_PAUSE_DOUBLINGS = 8;
  private static final Instant LONG_AGO = Instant.EPOCH;

  private final ReplicaWriter writer;
  private final LevelSetup setup;
  private final LevelSettings settings;
  private final Retention retention;
  private final Holdings holdings = new Holdings();
  private final LevelSchedule schedule;
  private final GapWatch gap;
  private final OutputWriter outputs;
  private final LevelLog counts = new LevelLog();
  private final ReentrantLock work = new ReentrantLock();

  private final Object lock = new Object();
  // All below changes under the lock.
  private final Set<Txid> beginnings = new HashSet<>();
  private Instant due = NEVER;
  private Instant notBefore = LONG_AGO;
  private Instant checked = LONG_AGO;
  private int failures;
  private boolean isSnapshotWanted;
  private Optional<Unsettled> unsettled = Optional.empty();

  /** An output of which nobody knows whether it is stored: the same is to be stored next. */
  private record Unsettled(LtxFileName name, List<LtxFileName> inputs, Instant made) {}

  public Levels(ReplicaWriter writer, LevelSetup setup) {
    this.writer = writer;
    this.setup = setup;
    this.settings = setup.settings();
    this.retention = new Retention(settings);
    this.schedule = new LevelSchedule(settings, retention);
    this.gap = new GapWatch(writer.client().location());
    this.outputs = new OutputWriter(writer, holdings, setup);
  }

  /**
   * Lists the replica; to be called before anything else, and again if it fails.
   *
   * @throws ReplicaException if the storage does not answer
   */
  public void begin() throws IOException {
    outputs.deleteLeftover();
    list();
    gap.look(holdings.files());
    reschedule();
  }

  private void list() throws IOException {
    Instant begun = setup.clock().instant();
    long startNanos = System.nanoTime();
    try {
      ReplicaClient client = writer.client();
      List<LtxFile> files = writer.limit().await(Listings.all(client), "list " + client.location());
      Instant now = setup.clock().instant();
      holdings.replace(files, begun, now);
      holdings.trim(settings.top());
      synchronized (lock) {
        checked = now;
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
    Instant valid;
    synchronized (lock) {
      valid = checked.plus(LISTING_VALID);
    }
    if (!valid.isBefore(setup.clock().instant())) {
      return;
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
    Instant now = setup.clock().instant();
    stored.forEach(file -> holdings.add(file, now));
    synchronized (lock) {
      checked = now;
      for (LtxFile file : stored) {
        Txid max = file.name().range().max();
        if (file.name().level() == LtxFileName.SNAPSHOT_LEVEL && max.isAfter(Txid.FIRST)) {
          beginnings.add(max);
        }
      }
      if (settings.top() > 0 && !gap.hasGap()) {
        due = LevelSchedule.earlier(due, Windows.end(now, settings.interval(1)));
        return;
      }
    }
    reschedule();
  }

  /** Has the next run make a snapshot, if there is anything that is not in one. */
  public void snapshotNow() {
    synchronized (lock) {
      isSnapshotWanted = true;
      due = LONG_AGO;
      notBefore = LONG_AGO;
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
    synchronized (lock) {
      return due.isBefore(notBefore) ? notBefore : due;
    }
  }

  /** Returns what was done so far, and what there is. */
  public LevelFigures figures() {
    return counts.figures(holdings.counts(), needsImage());
  }

  /**
   * Does what is due. Ends early when its thread is interrupted, with an {@link
   * java.io.InterruptedIOException}; what it had not ended is still due.
   *
   * @throws SecondWriterException if another file has the name of one that was to be stored
   * @throws ReplicaException if the storage fails; {@link #nextDue} says when to try again
   */
  public void run(Instant now) throws IOException {
    if (!work.tryLock()) {
      throw new IllegalStateException("two runs at a time");
    }
    boolean isDone = false;
    try {
      settle();
      takeImage();
      for (int level = 1; level <= settings.top(); level++) {
        if (isCompactionDue(level, now)) {
          compact(level);
        }
      }
      if (wantsSnapshot() || !schedule.snapshot(holdings.files()).isAfter(now)) {
        snapshot();
      }
      expire(now);
      isDone = true;
    } finally {
      holdings.trim(settings.top());
      reschedule();
      pauseAfter(isDone);
      work.unlock();
    }
  }

  private boolean isCompactionDue(int level, Instant now) {
    synchronized (lock) {
      return !schedule.compaction(holdings.files(), level, beginnings).isAfter(now);
    }
  }

  private boolean wantsSnapshot() {
    synchronized (lock) {
      return isSnapshotWanted;
    }
  }

  private void pauseAfter(boolean isDone) {
    synchronized (lock) {
      Instant now = setup.clock().instant();
      int doublings = isDone ? 0 : Math.min(failures, LONGEST_PAUSE_DOUBLINGS);
      failures = isDone ? 0 : failures + 1;
      // What is due at once after all was done came meanwhile, or cannot be done: never a loop.
      boolean isPause = !isDone || !due.isAfter(now);
      notBefore = isPause ? now.plus(FIRST_PAUSE.multipliedBy(1L << doublings)) : LONG_AGO;
    }
  }

  /** Works out when something is due next, from all that there is. */
  private void reschedule() {
    synchronized (lock) {
      HeldFiles held = holdings.files();
      boolean isAtOnce =
          isSnapshotWanted || unsettled.isPresent() || gap.candidate(held).isPresent();
      due = isAtOnce ? LONG_AGO : schedule.next(held, beginnings);
    }
  }

  private List<LtxFileName> inputs(HeldFiles held, int level) {
    synchronized (lock) {
      return CompactionChoice.inputs(held, level, beginnings);
    }
  }

  private void compact(int level) throws IOException {
    boolean hasListed = false;
    List<LtxFileName> inputs = inputs(holdings.files(), level);
    while (!inputs.isEmpty()) {
      try {
        LtxFileName name = outputName(level, inputs);
        store(new Unsettled(name, inputs, setup.clock().instant()));
        if (inputs.size() < CompactionChoice.INPUTS_MAX) {
          return;
        }
      } catch (OutputWriter.UnusableInputException e) {
        leaveOut(List.of(e.name()), e);
      } catch (CompactionException e) {
        goAround(inputs, e);
      } catch (ReplicaException.NotFound | ReplicaException.Conflict e) {
        if (hasListed) {
          throw e;
        }
        hasListed = true;
        list();
        gap.look(holdings.files());
      }
      inputs = inputs(holdings.files(), level);
    }
  }

  private static LtxFileName outputName(int level, List<LtxFileName> inputs) {
    return new LtxFileName(
        level,
        new TxidRange(inputs.get(0).range().min(), inputs.get(inputs.size() - 1).range().max()));
  }

  private void snapshot() throws IOException {
    boolean hasListed = false;
    while (true) {
      List<LtxFileName> inputs = snapshotInputs();
      Txid max = inputs.isEmpty() ? Txid.NONE : inputs.get(inputs.size() - 1).range().max();
      if (!max.isAfter(holdings.max(LtxFileName.SNAPSHOT_LEVEL))) {
        break;
      }
      try {
        storeSnapshot(max, inputs);
        break;
      } catch (OutputWriter.UnusableInputException e) {
        leaveOut(List.of(e.name()), e);
      } catch (CompactionException e) {
        leaveOut(inputs, e);
      } catch (ReplicaException.NotFound | ReplicaException.Conflict e) {
        if (hasListed) {
          throw e;
        }
        hasListed = true;
        list();
        gap.look(holdings.files());
      }
    }
    synchronized (lock) {
      isSnapshotWanted = false;
    }
  }

  /** Returns what leads to the newest state; very many are taken in several snapshots. */
  private List<LtxFileName> snapshotInputs() {
    List<LtxFileName> inputs = holdings.files().plan().files().stream().map(LtxFile::name).toList();
    return inputs.subList(0, Math.min(inputs.size(), CompactionChoice.INPUTS_MAX));
  }

  private void storeSnapshot(Txid max, List<LtxFileName> inputs) throws IOException {
    LtxFileName name = new LtxFileName(LtxFileName.SNAPSHOT_LEVEL, new TxidRange(Txid.FIRST, max));
    store(new Unsettled(name, inputs, setup.clock().instant()));
  }

  /** Makes and stores an output. */
  private void store(Unsettled output) throws IOException {
    boolean isSnapshot = output.name().level() == LtxFileName.SNAPSHOT_LEVEL;
    LevelLog.Kind kind = isSnapshot ? LevelLog.Kind.SNAPSHOT : LevelLog.Kind.COMPACTION;
    long startNanos = System.nanoTime();
    try {
      OutputWriter.Output stored =
          isSnapshot
              ? outputs.snapshot(output.name(), output.inputs(), output.made())
              : outputs.compact(output.name().level(), output.inputs());
      Instant since = isSnapshot ? output.made() : setup.clock().instant();
      holdings.add(stored.file(), since);
      counts.done(kind, startNanos, stored.compaction().inputBytes(), stored.compaction().bytes());
    } catch (ReplicaException.OutcomeUnknown e) {
      counts.failed(kind, startNanos);
      synchronized (lock) {
        unsettled = Optional.of(output);
      }
      throw e;
    } catch (IOException e) {
      counts.failed(kind, startNanos);
      throw e;
    }
  }

  /** Stores again, byte for byte, what may be stored already. */
  private void settle() throws IOException {
    Optional<Unsettled> output;
    synchronized (lock) {
      output = unsettled;
      unsettled = Optional.empty();
    }
    if (output.isEmpty()) {
      return;
    }
    try {
      store(output.get());
    } catch (OutputWriter.UnusableInputException | CompactionException e) {
      log.debug("{}: {}", writer.client().location(output.get().name()), e.getMessage());
    } catch (ReplicaException.NotFound | ReplicaException.Conflict e) {
      list();
    } catch (IOException e) {
      synchronized (lock) {
        unsettled = output;
      }
      throw e;
    }
  }

  /** Does without files from now on. */
  private void leaveOut(Collection<LtxFileName> names, IOException why) {
    log.error("{}; it is left out of compaction", why.getMessage());
    holdings.markUnusable(names);
    gap.look(holdings.files());
  }

  /** Finds out what stands between files that cannot be merged. */
  private void goAround(List<LtxFileName> inputs, CompactionException why) throws IOException {
    if (why.reason() != CompactionException.Reason.PAGE_SIZE) {
      leaveOut(inputs, why);
      return;
    }
    int first = outputs.header(inputs.get(0)).pageSize();
    for (LtxFileName input : inputs) {
      if (outputs.header(input).pageSize() != first) {
        synchronized (lock) {
          beginnings.add(input.range().min());
        }
        return;
      }
    }
    throw why;
  }

  /** Makes a snapshot of an image that ends a gap: of each file that came, it is tried. */
  private void takeImage() throws IOException {
    for (Optional<HeldFile> file = gap.candidate(holdings.files());
        file.isPresent();
        file = gap.candidate(holdings.files())) {
      Txid txid = file.get().max();
      try {
        storeSnapshot(txid, List.of(file.get().name()));
        synchronized (lock) {
          beginnings.add(txid);
        }
      } catch (CompactionException e) {
        log.debug("{}", e.getMessage());
      } catch (OutputWriter.UnusableInputException e) {
        leaveOut(List.of(e.name()), e);
      }
      gap.tried(txid);
      gap.look(holdings.files());
    }
  }

  private void expire(Instant now) throws IOException {
    List<LtxFileName> expired = retention.expired(holdings.files(), now);
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
    synchronized (lock) {
      Set<Txid> ends = new HashSet<>();
      holdings.files().snapshots().forEach(snapshot -> ends.add(snapshot.max()));
      beginnings.retainAll(ends);
    }
  }
}
