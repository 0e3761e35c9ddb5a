package dev.sluice.cache;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sluice.cache.store.Evictions;
import dev.sluice.cache.store.LocalStore;
import dev.sluice.cache.store.PageStore;
import dev.sluice.cache.store.Proof;
import dev.sluice.cache.store.StoreFolder;
import dev.sluice.ltx.Crc64;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.random.RandomGenerator;

/**
 * A few calls at random on what is stored of a replica, each held against the history: who reads
 * any view that may be read finds its page or none, and a page that is there is the newest known.
 * Confined to one thread.
 */
final class StoredEpisode {
  private static final int PAGES = 6;
  private static final int FETCHES_MAX = 4;
  private static final long RECENT = 4;

  private final Folder folder;
  private final RandomGenerator random;
  private final StoredHistory history = new StoredHistory(PAGES);
  private final List<Fetch> fetches = new ArrayList<>();
  private StoredPages stored;

  /** The version up to which the store was prepared, and the one that readers are shown. */
  private StoredHistory.Version prepared;

  private StoredHistory.Version shown;

  /** A page on its way from the storage, whatever is published meanwhile. */
  @SuppressWarnings("ArrayRecordComponent") // compared by nobody
  private record Fetch(View view, long pgno, byte[] page) {}

  /** The one store of many episodes, and the cache; both are opened once, because that is slow. */
  static final class Folder {
    private final Path path;
    final FrameCache cache = new FrameCache(1 << 20);
    final Source source = StoredHistory.source(cache);
    final ZeroingReaders readers = new ZeroingReaders();
    final Counts counts = new Counts();
    LocalStore store;

    Folder(Path path) throws IOException {
      this.path = path;
      store = own().create(spec(), 1, PAGES);
    }

    private PageStore.Spec spec() {
      return new PageStore.Spec("model", StoredHistory.PAGE_SIZE, readers, 1 << 20);
    }

    private StoreFolder own() throws IOException {
      return StoreFolder.own(path, Optional.empty(), Duration.ZERO).orElseThrow();
    }

    PageStore pages() {
      return store.pages();
    }

    void empty() throws IOException {
      for (long pgno = 1; pgno <= PAGES; pgno++) {
        pages().clear(pgno);
      }
    }
  }

  /** How often what happened. */
  static final class Counts {
    long fills;
    long refusals;
    long hits;
    long misses;
    long recoveries;
    long views;

    @Override
    public String toString() {
      return "views="
          + views
          + " fills="
          + fills
          + " refusals="
          + refusals
          + " hits="
          + hits
          + " misses="
          + misses
          + " recoveries="
          + recoveries;
    }
  }

  StoredEpisode(Folder folder, RandomGenerator random) throws IOException {
    this.folder = folder;
    this.random = random;
    folder.empty();
    stored = stored();
    prepared = history.newest();
    shown = prepared;
    stored.open(prepared.view());
    stored.prepare(prepared.view());
  }

  private StoredPages stored() {
    return new StoredPages(folder.source, folder.readers, first -> Optional.of(folder.store));
  }

  void run(int steps) throws IOException {
    for (int step = 0; step < steps; step++) {
      long pgno = 1L + random.nextInt(PAGES);
      switch (random.nextInt(16)) {
        case 0 -> history.commit(random);
        case 1, 2 -> prepare();
        case 3, 4 -> show();
        case 5, 6 -> fetch(pgno);
        case 7, 8, 9 -> fill();
        case 10 -> fillRun();
        case 11, 12 -> read(pgno);
        case 13 -> folder.pages().clear(pgno);
        case 14 -> evictOrRestart();
        default -> recover(pgno);
      }
      for (long each = 1; each <= PAGES; each++) {
        check(each);
      }
    }
  }

  private void prepare() throws IOException {
    if (!isShown()) {
      return;
    }
    boolean isNew = prepared.txid() < history.newest().txid();
    prepared = isNew ? history.newest() : history.commit(random);
    for (long pgno = 1; pgno <= prepared.view().commit(); pgno++) {
      if (random.nextInt(4) == 0) { // it came along with its file
        PageMap.Frame frame = prepared.view().pages().frame(pgno);
        folder.cache.put(FrameCache.frameKey(frame.file(), frame.offset()), prepared.page(pgno));
      }
    }
    stored.prepare(prepared.view());
  }

  private boolean isShown() {
    return prepared.txid() == shown.txid();
  }

  private void show() {
    if (!isShown()) {
      StoredHistory.Version before = shown;
      shown = prepared;
      stored.published(Optional.of(before.view()), shown.view());
      folder.counts.views++;
    }
  }

  /** Any view that somebody may have: followed up to the shown one, opened up to the newest. */
  private View anyView() throws ViewException {
    long newest = history.newest().txid();
    StoredHistory.Version version = history.at(newest - random.nextLong(Math.min(newest, RECENT)));
    boolean isFollowed = version.txid() <= shown.txid() && random.nextInt(4) != 0;
    return isFollowed ? version.view() : history.opened(version);
  }

  private StoredHistory.Version version(View view) {
    return history.at(view.txid().value());
  }

  private void fetch(long pgno) throws ViewException {
    View view = anyView();
    if (fetches.size() < FETCHES_MAX && pgno <= view.commit()) {
      fetches.add(new Fetch(view, pgno, version(view).page(pgno)));
    }
  }

  private void fill() {
    if (!fetches.isEmpty()) {
      Fetch fetch = fetches.remove(random.nextInt(fetches.size()));
      boolean wasThere = folder.pages().contains(fetch.pgno());
      stored.fill(fetch.view(), fetch.pgno(), fetch.page());
      boolean isFilled = !wasThere && folder.pages().contains(fetch.pgno());
      folder.counts.fills += isFilled ? 1 : 0;
      folder.counts.refusals += isFilled || wasThere ? 0 : 1;
    }
  }

  /** As a whole file that is read in the background, and proven in the end, or not. */
  private void fillRun() throws ViewException {
    View view = anyView();
    long first = 1L + random.nextInt((int) view.commit());
    int count = (int) Math.min(view.commit() - first + 1, 1 + random.nextInt(3));
    byte[] src = new byte[count * StoredHistory.PAGE_SIZE];
    long[] crcs = new long[count];
    for (int i = 0; i < count; i++) {
      byte[] page = version(view).page(first + i);
      System.arraycopy(page, 0, src, i * page.length, page.length);
      crcs[i] = Crc64.of(page);
    }
    PageStore.Run run = new PageStore.Run(first, count, src, 0, crcs, 0);
    assertTrue(folder.pages().fillRun(run, Proof.PENDING, stored.admission(view)));
    boolean isProven = random.nextBoolean();
    for (long pgno = first; pgno < first + count; pgno++) {
      if (isProven) {
        folder.pages().prove(pgno);
      } else {
        folder.pages().disprove(pgno);
      }
    }
  }

  private void read(long pgno) throws ViewException {
    View view = anyView();
    byte[] dst = new byte[StoredHistory.PAGE_SIZE];
    if (pgno <= view.commit() && stored.read(view, pgno, dst)) {
      assertArrayEquals(version(view).page(pgno), dst, "page " + pgno + " of " + view);
      folder.counts.hits++;
    } else {
      folder.counts.misses++;
    }
  }

  private void recover(long pgno) throws ViewException {
    folder.counts.recoveries += stored.recover(anyView(), pgno) ? 1 : 0;
  }

  private void evictOrRestart() throws IOException {
    if (random.nextBoolean()) {
      Evictions.evict(folder.pages(), 0);
    } else if (isShown() && random.nextInt(40) == 0) {
      restart();
    }
  }

  /**
   * What is left is of the view that was shown last; more may have happened since, or the listing
   * lags behind. How far both are surely one history may be less than either.
   */
  private void restart() throws IOException {
    StoredHistory.Version before = shown;
    folder.store.close();
    StoreFolder owned = folder.own();
    StoreFolder.Left left = owned.left(StoredHistory.PAGE_SIZE).orElseThrow();
    boolean isLagging = random.nextInt(3) == 0;
    prepared =
        isLagging
            ? history.at(before.txid() - random.nextLong(Math.min(before.txid(), RECENT)))
            : history.newest();
    shown = prepared;
    long proven = Math.min(before.txid(), shown.txid());
    long since = proven - random.nextLong(Math.min(proven, RECENT));
    folder.store =
        owned.adopt(
            left,
            folder.spec(),
            shown.txid(),
            shown.view().commit(),
            (pgno, bound) ->
                bound <= since
                    && pgno <= shown.view().commit()
                    && shown.changed()[(int) pgno] <= since);
    fetches.clear();
    stored = stored();
    stored.open(shown.view());
    stored.prepare(shown.view());
    for (int i = 0; i < PAGES; i++) {
      recover(1L + random.nextInt(PAGES));
    }
  }

  private void check(long pgno) {
    long bound = folder.pages().bound(pgno);
    if (bound == 0) {
      return;
    }
    byte[] page = new byte[StoredHistory.PAGE_SIZE];
    assertTrue(folder.pages().read(pgno, bound, page));
    long changed = prepared.changed()[(int) pgno];
    String what = "page " + pgno + " with bound " + bound + ", known is " + prepared.view();
    assertTrue(changed != 0, () -> what + ": there is no such page");
    assertEquals(changed, StoredHistory.changed(page), () -> what + ": of another TXID");
    assertArrayEquals(StoredHistory.page(pgno, changed), page, () -> what);
    assertTrue(changed <= bound && bound <= prepared.txid(), () -> what + ", changed " + changed);
    assertFalse(folder.pages().read(pgno, bound - 1, page), () -> what);
  }
}
