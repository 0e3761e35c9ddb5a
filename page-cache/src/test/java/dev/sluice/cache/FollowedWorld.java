package dev.sluice.cache;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sluice.cache.store.LocalStore;
import dev.sluice.ltx.Txid;
import dev.sluice.storage.LtxFile;
import dev.sluice.storage.ReplicaUrl;
import dev.sluice.storage.Target;
import dev.sluice.storage.history.MemoryReplica;
import dev.sluice.storage.history.PageHistory;
import dev.sluice.storage.history.TestPrimary;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;

/**
 * A primary, the replica that it writes into memory, and a follower of it that looks only when it
 * is told to, all by one virtual clock. What the follower publishes is held against the history at
 * every look. Confined to one thread.
 */
final class FollowedWorld implements AutoCloseable {
  static final int PAGE_SIZE = 512;

  /** A cache that holds no page: every read goes to the storage. */
  static final long NO_CACHE = 1;

  private static final Duration LONG = Duration.ofSeconds(20);

  private final MemoryReplica storage = new MemoryReplica("memory:world");
  private final TestPrimary primary;
  private final Instant begun;
  private final ReplicaOptions options;
  private final ReplicaSetup setup;
  private final Counts counts = new Counts();
  private Replica replica;

  /** What the listener was told. */
  static final class Counts implements ReplicaListener {
    private long published;
    private long relocatedPages;
    private long rescuedPages;

    @Override
    public void published(Replica replica, View view) {
      synchronized (this) {
        published++;
      }
    }

    @Override
    public void relocated(Replica replica, long pages) {
      synchronized (this) {
        relocatedPages += pages;
      }
    }

    @Override
    public void rescued(Replica replica, long pages) {
      synchronized (this) {
        rescuedPages += pages;
      }
    }

    long relocatedPages() {
      synchronized (this) {
        return relocatedPages;
      }
    }

    long rescuedPages() {
      synchronized (this) {
        return rescuedPages;
      }
    }

    long published() {
      synchronized (this) {
        return published;
      }
    }
  }

  /** Returns options of a follower whose side file is in a folder, without a cache. */
  static ReplicaOptions options(Path folder) {
    return ReplicaOptions.of(ReplicaUrl.ofDirectory("/in-memory"))
        .withPageCacheBytes(NO_CACHE)
        .withReadTimeout(LONG)
        .withCacheDirectory(folder);
  }

  /** Makes an empty world; the follower makes no request before it is told to. */
  FollowedWorld(long seed, ReplicaOptions options, SourceRule rule) {
    this.primary = new TestPrimary(storage, PAGE_SIZE, seed);
    this.begun = primary.now();
    this.options = options;
    this.setup =
        ReplicaSetup.standard(counts)
            .withTicker(() -> Duration.between(begun, primary.now()).toNanos())
            .with(Following.BY_HAND)
            .with(rule);
    this.replica = newReplica();
  }

  private Replica newReplica() {
    return new Replica(storage.open(), options, new PoisoningMemory(), setup);
  }

  MemoryReplica storage() {
    return storage;
  }

  TestPrimary primary() {
    return primary;
  }

  PageHistory history() {
    return primary.history();
  }

  Replica replica() {
    return replica;
  }

  Counts counts() {
    return counts;
  }

  /** Returns the TXID that readers see; one was opened. */
  Txid shown() {
    return latest().txid();
  }

  View latest() {
    return replica.published().orElseThrow();
  }

  /** Returns files by which the follower knows the replica, as its page store remembers them. */
  List<LtxFile> known() throws IOException {
    Optional<Path> pages = replica.store().flatMap(LocalStore::file);
    Path lineage = pages.orElseThrow().resolveSibling("lineage");
    return LineageFile.parse(Files.readAllBytes(lineage)).stream()
        .map(Lineage.Known::file)
        .toList();
  }

  /** Opens the latest view. */
  View open() throws IOException {
    View view = replica.at(new Target.Latest(), Patience.of(LONG));
    requireTrue(view);
    return view;
  }

  /** Ends the follower and makes another. */
  void restart() {
    restart(() -> {});
  }

  /** As the other; something happens while nothing is open. */
  void restart(Runnable meanwhile) {
    replica.close();
    assertTrue(replica.ended().join());
    meanwhile.run();
    replica = newReplica();
  }

  /** Looks once, and requires that the view went neither back nor to a state that never was. */
  boolean poll() throws IOException {
    Optional<View> before = replica.published();
    boolean isNew = replica.poll();
    replica.requireSame();
    if (before.isPresent()) {
      View after = latest();
      assertFalse(after.txid().isBefore(before.get().txid()), "a view went back");
      assertTrue(!isNew || after.txid().isAfter(before.get().txid()), "what the look says");
      requireTrue(after);
    }
    return isNew;
  }

  /** Lets time pass, then looks. */
  boolean pollAfter(Duration time) throws IOException {
    primary.advance(time);
    return poll();
  }

  /** Requires that size and TXID of a view are of a state that there was. */
  void requireTrue(View view) {
    assertFalse(view.txid().isAfter(history().txid()), "a view of the future");
    assertEquals(history().commit(view.txid()), view.commit(), "pages at " + view.txid());
    assertEquals(PAGE_SIZE, view.pageSize());
  }

  /** Requires that bytes are a page of a view, and that the map says no less of its age. */
  void requirePage(View view, long pgno, byte[] page) {
    byte[] expected = history().page(view.txid(), pgno);
    if (!Arrays.equals(expected, page)) {
      assertArrayEquals(
          expected,
          page,
          "page "
              + pgno
              + " of "
              + view
              + " was written at "
              + history().writer(view.txid(), pgno)
              + ", came: "
              + history().describe(page, pgno));
    }
    Txid bound = view.pages().bound(pgno);
    int writer = history().writer(view.txid(), pgno);
    assertTrue(
        !bound.isAfter(view.txid())
            && bound.value() >= writer
            && history().writer(bound, pgno) == writer,
        () -> "bound " + bound + " of page " + pgno + " at " + view + ", written at " + writer);
  }

  /** Reads every page of a view and requires the truth. */
  void requireAllPages(View view) throws IOException {
    for (long pgno = 1; pgno <= view.commit(); pgno++) {
      requirePage(view, pgno, TestReplicas.page(replica, view, pgno));
    }
  }

  /** Returns when nothing is written to the follower's folder any more. */
  @Override
  public void close() {
    replica.close();
    replica.ended().join();
  }
}
