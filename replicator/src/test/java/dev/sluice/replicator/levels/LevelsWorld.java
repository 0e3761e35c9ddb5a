package dev.sluice.replicator.levels;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sluice.ltx.Txid;
import dev.sluice.ltx.TxidRange;
import dev.sluice.replicator.levels.UnreliableClient.Outcome;
import dev.sluice.replicator.upload.CallLimit;
import dev.sluice.replicator.upload.ReplicaWriter;
import dev.sluice.storage.Layout;
import dev.sluice.storage.LtxFile;
import dev.sluice.storage.LtxFileName;
import dev.sluice.storage.history.MemoryReplica;
import dev.sluice.storage.history.TestPrimary;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.Set;
import java.util.SortedSet;
import java.util.TreeSet;

/**
 * A primary whose replica in memory is looked after by {@link Levels}, by a clock that stands still
 * until it is told, with a model of what must still be there. Confined to one thread.
 *
 * <p>The model knows when each file was really stored and each TXID committed, and judges each
 * deletion by what can be restored before and after it:
 *
 * <ul>
 *   <li>a state that is lost with files of levels 1 to 9 was replaced by the next one longer ago
 *       than the retention of snapshots
 *   <li>a level-0 file that goes has been covered, without a gap, by files that were stored longer
 *       ago than its grace and that are still there, and is not the newest
 *   <li>the newest state can always be restored
 * </ul>
 */
final class LevelsWorld implements UnreliableClient.Events {
  private static final int PAGE_SIZE = 512;
  private static final int PAGES_MAX = 24;

  /** Stands for the end of the process: nothing after it happens, and nothing is cleaned up. */
  static final class Killed extends Error {
    private static final long serialVersionUID = 1L;

    Killed(LevelStep step) {
      super(step.toString());
    }
  }

  final Random random;
  final Path folder;
  final MemoryReplica replica = new MemoryReplica("mem:replica");
  final TestPrimary primary;
  final RestoredStates states;
  final LevelSettings settings;
  final List<LevelStep> steps = new ArrayList<>();
  private final Map<LtxFileName, Instant> stored = new HashMap<>();
  private final List<Instant> commits = new ArrayList<>();
  Optional<LevelStep> killAt = Optional.empty();

  /** What else happens once when an output is written. */
  Runnable atOutputWritten = () -> {};

  /** By how much the clock is ahead of the time. */
  Duration ahead = Duration.ZERO;

  int killPercent;
  int failPercent;

  /** Requests that begin with one of these fail and do nothing. */
  final Set<String> failBefore = new HashSet<>();

  /** Requests that begin with one of these do what they should and then fail. */
  final Set<String> failAfter = new HashSet<>();

  long deletedFiles;
  UnreliableClient client;
  Levels levels;

  LevelsWorld(long seed, Path folder, LevelSettings settings) throws IOException {
    this.random = new Random(seed);
    this.folder = folder;
    this.settings = settings;
    this.primary = new TestPrimary(replica, PAGE_SIZE, seed);
    this.states = new RestoredStates(replica, primary.history());
    this.client = new UnreliableClient(replica.open(), this::outcome, this);
    this.levels = process();
  }

  /** Begins with the image of a database, which is stored as the uploader does. */
  static LevelsWorld withImage(long seed, Path folder, LevelSettings settings) throws IOException {
    LevelsWorld world = new LevelsWorld(seed, folder, settings);
    world.levels.begin();
    LtxFile image = world.primary.commit(8, TestPrimary.all(8));
    world.commits.add(world.now());
    LtxFile snapshot = world.primary.snapshot();
    world.replica.delete(List.of(image.name()));
    world.stored.put(snapshot.name(), world.now());
    world.levels.uploaded(List.of(snapshot));
    return world;
  }

  /** Returns the setup of standard levels in a folder, with no spool beside them. */
  static LevelSetup standard(Path folder, InstantSource clock) {
    return new LevelSetup(
        LevelSettings.STANDARD,
        folder.resolve("levels"),
        name -> Optional.empty(),
        clock,
        () -> nanos(clock.instant()),
        step -> {});
  }

  /** Returns what a ticker says that nobody sets. */
  private static long nanos(Instant now) {
    return Duration.between(Instant.EPOCH, now).toNanos();
  }

  private Levels process() {
    client = new UnreliableClient(replica.open(), this::outcome, this);
    return new Levels(
        new ReplicaWriter(client, new CallLimit(Duration.ofSeconds(20))),
        new LevelSetup(
            settings,
            folder.resolve("levels"),
            this::local,
            this::clock,
            () -> nanos(now()),
            this::reached));
  }

  private Outcome outcome(String request) {
    if (failAfter.stream().anyMatch(request::startsWith)) {
      return Outcome.FAILS_AFTER;
    }
    if (failBefore.stream().anyMatch(request::startsWith)) {
      return Outcome.FAILS_BEFORE;
    }
    // A listing is ten requests, all of which must succeed.
    if (request.equals("list") && random.nextInt(10) > 0) {
      return Outcome.GOOD;
    }
    return random.nextInt(100) < failPercent
        ? random.nextBoolean() ? Outcome.FAILS_BEFORE : Outcome.FAILS_AFTER
        : Outcome.GOOD;
  }

  private void reached(LevelStep step) {
    steps.add(step);
    if (step == LevelStep.OUTPUT_WRITTEN) {
      Runnable once = atOutputWritten;
      atOutputWritten = () -> {};
      once.run();
    }
    boolean isKilled = killAt.filter(step::equals).isPresent();
    if (isKilled || random.nextInt(1000) < killPercent * 10) {
      killAt = Optional.empty();
      throw new Killed(step);
    }
  }

  private Optional<Path> local(LtxFileName name) {
    Path path = folder.resolve(Layout.fileName(name.range()));
    return name.level() == 0 && Files.exists(path) ? Optional.of(path) : Optional.empty();
  }

  Instant now() {
    return primary.now();
  }

  /** Returns what the clock says, which may be wrong. */
  Instant clock() {
    return primary.now().plus(ahead);
  }

  void advanceTo(Instant time) {
    if (time.isAfter(now())) {
      primary.advance(Duration.between(now(), time));
    }
  }

  /** Commits and uploads; the spool still has some of the files. */
  LtxFile commit() throws IOException {
    LtxFile file = primary.commitAnything(random, PAGES_MAX);
    return upload(file);
  }

  /** Commits again and again, and lets time pass after each. */
  void commits(int count, Duration gap) throws IOException {
    for (int i = 0; i < count; i++) {
      LtxFile unused = commit();
      runFor(gap);
    }
  }

  LtxFile upload(LtxFile file) throws IOException {
    commits.add(now());
    stored.put(file.name(), now());
    if (random.nextInt(3) == 0) {
      Files.write(folder.resolve(Layout.fileName(file.name().range())), content(file.name()));
    }
    levels.uploaded(List.of(file));
    return file;
  }

  /**
   * Ends the process, in whatever state, and begins another, which cannot know that a clock is
   * ahead.
   */
  void restart() throws IOException {
    ahead = ahead.isNegative() ? ahead : Duration.ZERO;
    levels = process();
    begin();
  }

  private void begin() throws IOException {
    while (true) {
      try {
        levels.begin();
        return;
      } catch (dev.sluice.storage.ReplicaException e) {
        primary.advance(Duration.ofSeconds(1));
      } catch (Killed e) {
        levels = process();
      }
    }
  }

  /** Runs what is due now; a failure or a death leaves it to the next time. */
  void run() throws IOException {
    try {
      levels.run();
    } catch (dev.sluice.storage.ReplicaException e) {
      assertTrue(levels.nextDue().isAfter(clock()), "after a failure there is a pause");
    } catch (Killed e) {
      restart();
    }
  }

  /** Lets time pass and runs what falls due on the way. */
  void runUntil(Instant end) throws IOException {
    for (Instant due = levels.nextDue(); !due.isAfter(end.plus(ahead)); due = levels.nextDue()) {
      advanceTo(due.minus(ahead));
      run();
    }
    advanceTo(end);
  }

  void runFor(Duration time) throws IOException {
    runUntil(now().plus(time));
  }

  @Override
  public void stored(LtxFileName name) {
    stored.put(name, now());
  }

  @Override
  public void deleting(Collection<LtxFileName> names, Runnable delete) {
    SortedSet<Txid> before = states.reachable();
    Txid newestLevelZero = newest(0);
    SortedSet<Txid> withoutLevels = reachableWithout(names, false);
    delete.run();
    deletedFiles += names.size();
    requireOnlyOldIsLost(before, withoutLevels);
    for (LtxFileName name : names) {
      if (name.level() == 0) {
        requireCovered(name.range().max());
        assertTrue(name.range().max().isBefore(newestLevelZero), "the newest level-0 file stays");
      }
    }
    assertEquals(before.last(), states.reachable().last(), "the newest state stays");
  }

  private Txid newest(int level) {
    List<LtxFile> files = replica.files(level);
    return files.isEmpty() ? Txid.NONE : files.get(files.size() - 1).name().range().max();
  }

  private SortedSet<Txid> reachableWithout(Collection<LtxFileName> names, boolean levelZero) {
    List<LtxFile> left = new ArrayList<>();
    for (LtxFile file : replica.files()) {
      boolean isKind = (file.name().level() == 0) == levelZero;
      if (!isKind || !names.contains(file.name())) {
        left.add(file);
      }
    }
    return RestoredStates.reachable(left);
  }

  private void requireOnlyOldIsLost(SortedSet<Txid> before, SortedSet<Txid> after) {
    SortedSet<Txid> lost = new TreeSet<>(before);
    lost.removeAll(after);
    for (Txid txid : lost) {
      Instant replaced = commits.get((int) txid.value());
      assertTrue(
          !replaced.isAfter(now().minus(settings.snapshotRetention())),
          () -> txid + ", replaced at " + replaced + ", is lost at " + now());
    }
  }

  private void requireCovered(Txid txid) {
    Instant cutoff = now().minus(settings.l0Retention());
    List<LtxFile> covering = new ArrayList<>();
    for (LtxFile file : replica.files()) {
      Instant since = stored.getOrDefault(file.name(), Instant.MIN);
      Instant listed = file.created().plus(Holdings.STORED_LATER_MAX);
      boolean isOld = !(listed.isBefore(since) ? listed : since).isAfter(cutoff);
      if (file.name().level() > 0 && isOld) {
        covering.add(file);
      }
    }
    SortedSet<Txid> covered = RestoredStates.reachable(covering);
    assertTrue(
        !covered.isEmpty() && !covered.last().isBefore(txid),
        () -> "L0 " + txid + " goes at " + now() + ", covered are only " + covered);
    assertTrue(!newest(1).isBefore(txid), () -> "L0 " + txid + " is not in level 1");
  }

  /** Checks the newest state and some others. */
  void requireExactSample(int count) throws IOException {
    List<Txid> reachable = new ArrayList<>(states.reachable());
    List<Txid> sample = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      sample.add(reachable.get(random.nextInt(reachable.size())));
    }
    states.requireExact(sample);
  }

  void requireExactEverywhere() throws IOException {
    states.requireExact(states.reachable());
  }

  /** Returns what lies in the folder of the temporary file. */
  List<Path> leftovers() {
    Path directory = folder.resolve("levels");
    if (!Files.isDirectory(directory)) {
      return List.of();
    }
    try (var files = Files.list(directory)) {
      return files.toList();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** Returns the bytes of a file that is in the replica. */
  byte[] content(LtxFileName name) {
    return replica.content(name).orElseThrow();
  }

  static LtxFileName name(int level, long min, long max) {
    return new LtxFileName(level, new TxidRange(new Txid(min), new Txid(max)));
  }

  /** Returns the ranges of a level, for messages and comparison. */
  List<String> ranges(int level) {
    return replica.files(level).stream()
        .map(
            file ->
                Long.toHexString(file.name().range().min().value())
                    + "-"
                    + Long.toHexString(file.name().range().max().value()))
        .toList();
  }
}
