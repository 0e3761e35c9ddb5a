package dev.sluice.cache;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sluice.ltx.Txid;
import dev.sluice.ltx.TxidRange;
import dev.sluice.storage.LtxFile;
import dev.sluice.storage.LtxFileName;
import dev.sluice.storage.PlanException;
import dev.sluice.storage.ReplicaException;
import dev.sluice.storage.RestorePlan;
import dev.sluice.storage.Target;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Comparator;
import java.util.EnumMap;
import java.util.HashSet;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;

/**
 * Some thousand steps at random in a world of its own: a history goes on, files are compacted and
 * deleted, listings lag, and readers at many views read pages of which each is held against the
 * history. All of it follows from one seed. Confined to one thread.
 */
final class ModelEpisode implements AutoCloseable {
  private static final int READERS_MAX = 12;

  /** So long a read looks for a page that may be lost; one that must be there gets more. */
  private static final Patience SHORT = Patience.of(Duration.ofMillis(15));

  private static final Patience OPENING = Patience.of(Duration.ofMillis(200));
  private static final Patience LONG = Patience.of(Duration.ofSeconds(20));

  private final Kind kind;
  private final Random random;
  private final FollowedWorld world;
  private final ModelStorage storage;
  private final Losses losses;
  private final int pagesMax;
  private final List<Reader> readers = new ArrayList<>();
  private final Figures figures;

  /**
   * The newest file by which the follower knows the replica. It stays: a replica of which nothing
   * is left that was known is no replica.
   */
  private LtxFileName known = new LtxFileName(0, new TxidRange(Txid.FIRST, Txid.FIRST));

  /** What happens to files. */
  enum Kind {
    /** Retention: covered, old, and seen by a look that lists everything. No page is ever lost. */
    RETENTION,
    /** The same, and listings lag behind. */
    RETENTION_SEEN_LATE,
    /** Any file at any time, and listings lag behind. */
    ANYTHING
  }

  /** Views of the past that were opened when some of their files were only listed still. */
  private final Set<View> openedTooLate = Collections.newSetFromMap(new IdentityHashMap<>());

  /** A view and what keeps it. */
  private record Reader(View view, Hold hold) {}

  /** How reads ended, of all episodes that share it. */
  static final class Figures {
    private final Map<Losses.Loss, Long> reads = new EnumMap<>(Losses.Loss.class);
    private long pastViews;
    private long relocatedPages;
    private long rescuedPages;
    private long published;

    void count(Losses.Loss loss) {
      reads.merge(loss, 1L, Long::sum);
    }

    long exact() {
      return reads.getOrDefault(Losses.Loss.NONE, 0L);
    }

    long of(Losses.Loss loss) {
      return reads.getOrDefault(loss, 0L);
    }

    long all() {
      return reads.values().stream().mapToLong(Long::longValue).sum();
    }

    private void add(FollowedWorld.Counts counts) {
      relocatedPages += counts.relocatedPages();
      rescuedPages += counts.rescuedPages();
      published += counts.published();
    }

    long relocatedPages() {
      return relocatedPages;
    }

    long rescuedPages() {
      return rescuedPages;
    }

    long pastViews() {
      return pastViews;
    }

    @Override
    public String toString() {
      return "reads="
          + all()
          + " exact="
          + exact()
          + " lost="
          + of(Losses.Loss.LOST)
          + " unlisted="
          + of(Losses.Loss.UNLISTED)
          + " unproven="
          + of(Losses.Loss.UNPROVEN)
          + " views="
          + published
          + " past="
          + pastViews
          + " relocated="
          + relocatedPages
          + " rescued="
          + rescuedPages;
    }
  }

  ModelEpisode(Kind kind, long seed, SourceRule rule, Path folder, Figures figures)
      throws IOException {
    this.kind = kind;
    this.random = new Random(seed);
    this.figures = figures;
    this.pagesMax = random.nextInt(4) == 0 ? 300 : 4 + random.nextInt(40);
    boolean isCached = random.nextInt(5) == 0;
    boolean isTight = kind == Kind.ANYTHING && random.nextBoolean();
    ReplicaOptions options =
        FollowedWorld.options(folder)
            .withPageCacheBytes(isCached ? 64 << 10 : FollowedWorld.NO_CACHE)
            .withRescueBytes(isTight ? random.nextInt(20) * FollowedWorld.PAGE_SIZE : 8 << 20);
    this.world = new FollowedWorld(seed, options, rule);
    this.storage = new ModelStorage(world.primary(), random);
    this.losses = new Losses(world.storage(), world.history());
    storage.commit(pagesMax);
    world.open();
    lag();
  }

  /** Later changes are listed late, from now on. */
  private void lag() {
    if (kind != Kind.RETENTION) {
      int operations = 1 + random.nextInt(60);
      world.storage().delayListings(() -> random.nextInt(operations));
    }
  }

  void run(int steps) throws IOException {
    for (int step = 0; step < steps; step++) {
      try {
        step();
      } catch (AssertionError | IOException | RuntimeException e) {
        throw new AssertionError(kind + ", step " + step + ": " + e.getMessage(), e);
      }
    }
    quiesce();
    for (Reader reader : readers) {
      readSome(reader.view(), 8);
    }
  }

  private void step() throws IOException {
    world.primary().advance(Duration.ofMillis(random.nextInt(3000)));
    int action = random.nextInt(1000);
    if (action < 250) {
      storage.commit(pagesMax);
    } else if (action < 450) {
      pollAndRequireProgress();
    } else if (action < 520) {
      storage.compact();
    } else if (action < 535) {
      storage.snapshot();
    } else if (action < 590) {
      delete();
    } else if (action < 650) {
      pinLatest();
    } else if (action < 690) {
      openPast();
    } else if (action < 740) {
      closeOne();
    } else if (action < 745) {
      quiesce();
    } else if (action < 747) {
      restart();
    } else {
      read();
    }
  }

  /** What the listing of level 0 shows the look finds, unless it shows what is not there. */
  private void pollAndRequireProgress() throws IOException {
    Set<LtxFile> there = new HashSet<>(world.storage().files());
    List<LtxFile> before = levelZero();
    Chain chain = Chain.after(world.shown(), before, List.of());
    look();
    boolean isTrue = there.containsAll(before) && there.containsAll(levelZero());
    assertTrue(
        !isTrue || !world.shown().isBefore(chain.end()),
        () -> "news not seen: " + chain.end() + " after " + world.shown() + reasonOrNone());
  }

  private void look() throws IOException {
    world.poll();
    Set<LtxFile> there = new HashSet<>(world.storage().files());
    Set<LtxFile> listed = new HashSet<>(world.storage().listed());
    world.known().stream()
        .filter(file -> there.contains(file) && listed.contains(file))
        .map(LtxFile::name)
        .max(Comparator.comparing(name -> name.range().max()))
        .ifPresent(name -> known = name);
  }

  private List<LtxFile> levelZero() {
    return world.storage().listed(0, Txid.FIRST);
  }

  private String reasonOrNone() {
    return ", last error: " + world.replica().lastError().orElse("none");
  }

  /** When nothing lags any more, a look that lists everything finds the end. */
  private void quiesce() throws IOException {
    world.storage().catchUp();
    lag();
    world.primary().advance(Duration.ofSeconds(31));
    look();
    Chain chain = Chain.after(world.shown(), world.storage().files(), List.of());
    assertEquals(chain.end(), world.shown(), this::reasonOrNone);
    if (chain.hasGap()) {
      String missing = chain.end().next().toString();
      assertTrue(reasonOrNone().contains(missing), this::reasonOrNone);
      storage.snapshotOfNewest();
    }
  }

  private void delete() throws IOException {
    if (kind == Kind.ANYTHING) {
      storage.deleteAnything(known);
      return;
    }
    List<LtxFile> expired = storage.expired();
    if (!expired.isEmpty()) {
      world.primary().advance(Duration.ofSeconds(31));
      look();
      storage.delete(expired);
    } else if (random.nextInt(4) == 0) {
      world.primary().advance(Duration.ofSeconds(random.nextInt(100)));
    }
  }

  private void hold(View view) {
    if (readers.size() == READERS_MAX) {
      closeOne();
    }
    readers.add(new Reader(view, world.replica().hold(view)));
  }

  private void pinLatest() throws IOException {
    View view = world.open();
    hold(view);
    readSome(view, 1);
  }

  /** Opens a TXID where a listed file ends and from which a plan leads back. */
  private void openPast() throws IOException {
    List<LtxFile> listed = world.storage().listed();
    if (listed.isEmpty()) {
      return;
    }
    Txid txid = listed.get(random.nextInt(listed.size())).name().range().max();
    boolean isThere;
    try {
      RestorePlan plan = RestorePlan.of(listed, new Target.AtTxid(txid));
      isThere = new HashSet<>(world.storage().files()).containsAll(plan.files());
    } catch (PlanException e) {
      return;
    }
    boolean mustSucceed = isThere && kind == Kind.RETENTION;
    try {
      View view = world.replica().at(new Target.AtTxid(txid), mustSucceed ? LONG : OPENING);
      if (!isThere && readers.stream().noneMatch(reader -> reader.view() == view)) {
        openedTooLate.add(view);
      }
      assertEquals(txid, view.txid());
      world.requireTrue(view);
      hold(view);
      figures.pastViews++;
      readSome(view, 2);
    } catch (PlanException | ViewException | ReplicaException e) {
      assertFalse(mustSucceed, () -> "TXID " + txid + " can be opened, and yet: " + e);
    }
  }

  private void closeOne() {
    if (!readers.isEmpty()) {
      readers.remove(random.nextInt(readers.size())).hold().close();
    }
  }

  private void restart() throws IOException {
    storage.snapshotOfNewest();
    world.storage().catchUp();
    try {
      RestorePlan.of(world.storage().listed(), new Target.Latest());
    } catch (PlanException e) {
      return;
    }
    readers.clear();
    openedTooLate.clear();
    world.restart();
    world.open();
    quiesce();
  }

  private void read() throws IOException {
    if (readers.isEmpty() || random.nextInt(8) == 0) {
      readSome(world.latest(), 3);
      return;
    }
    Reader reader = readers.get(random.nextInt(readers.size()));
    if (readSome(reader.view(), 3) == Losses.Loss.LOST) {
      readers.remove(reader);
      reader.hold().close();
    }
  }

  /** Reads some pages of a view, until one cannot be read. */
  private Losses.Loss readSome(View view, int count) throws IOException {
    for (int i = 0; i < count; i++) {
      Losses.Loss loss = read(view, 1 + random.nextInt((int) view.commit()));
      figures.count(loss);
      if (loss != Losses.Loss.NONE) {
        return loss;
      }
    }
    return Losses.Loss.NONE;
  }

  private Losses.Loss read(View view, long pgno) throws IOException {
    try {
      return exact(view, pgno, SHORT);
    } catch (ViewException.HistoryGone | ReplicaException.Unavailable e) {
      Losses.Loss loss = losses.of(view, pgno, world.replica().published());
      boolean isFinal = loss == Losses.Loss.LOST || loss == Losses.Loss.UNPROVEN;
      boolean isToldInTime = e instanceof ViewException.HistoryGone || pgno % 16 > 0;
      return isFinal && isToldInTime ? allowed(view, loss, e) : readPatiently(view, pgno);
    }
  }

  /** When nothing lags any more. */
  private Losses.Loss readPatiently(View view, long pgno) throws IOException {
    world.storage().catchUp();
    lag();
    try {
      return exact(view, pgno, LONG);
    } catch (ViewException.HistoryGone e) {
      Losses.Loss loss = losses.of(view, pgno, world.replica().published());
      assertTrue(
          loss != Losses.Loss.NONE,
          () -> "page " + pgno + " of " + view + " can be read, and yet: " + e);
      return allowed(view, loss, e);
    }
  }

  private Losses.Loss allowed(View view, Losses.Loss loss, IOException failure) {
    assertTrue(
        kind == Kind.ANYTHING || openedTooLate.contains(view),
        () -> "retention has lost a page: " + failure);
    return loss;
  }

  private Losses.Loss exact(View view, long pgno, Patience patience) throws IOException {
    ByteBuffer dst = ByteBuffer.allocate(view.pageSize());
    world.replica().read(view, pgno, dst, patience);
    world.requirePage(view, pgno, dst.array());
    return Losses.Loss.NONE;
  }

  @Override
  public void close() {
    figures.add(world.counts());
    world.close();
  }
}
