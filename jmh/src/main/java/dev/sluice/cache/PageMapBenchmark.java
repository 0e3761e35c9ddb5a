package dev.sluice.cache;

import dev.sluice.ltx.LtxEncoder;
import dev.sluice.ltx.LtxHeader;
import dev.sluice.ltx.PageIndex;
import dev.sluice.ltx.Txid;
import dev.sluice.ltx.TxidRange;
import java.io.IOException;
import java.io.OutputStream;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.SortedSet;
import java.util.TreeSet;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.Warmup;

/**
 * What the map of a database of a million pages costs, a snapshot overlaid by a thousand files of a
 * hundred random pages each: to look a page up, and to publish one more file, of ten pages. Beside
 * it a lookup in the plainest thing there could be, an array of frames.
 */
@State(Scope.Benchmark)
@Fork(1)
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 5, time = 1)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
public class PageMapBenchmark {
  private static final int PAGE_SIZE = 512;
  private static final int COMMIT = 1_000_000;
  private static final int FILES = 1000;
  private static final int PAGES_OF_FILE = 100;
  private static final int PAGES_OF_NEXT = 10;
  private static final int ASKED = 1 << 16;

  private final Random random = new Random(3);
  private final int[] asked = new int[ASKED];
  private PageMap map = PageMap.EMPTY;
  private PageMap.Frame[] array = {};
  private List<PageMap.Change> next = List.of();
  private int turn;
  private long changed;

  /** Makes the map. */
  @Setup
  public void make() throws IOException {
    List<PageMap.Change> changes = new ArrayList<>();
    changes.add(change(1, all()));
    for (int txid = 2; txid < FILES + 2; txid++) {
      changes.add(change(txid, some(PAGES_OF_FILE)));
    }
    map = PageMap.EMPTY.apply(changes);
    next = List.of(change(FILES + 2, some(PAGES_OF_NEXT)));
    array = new PageMap.Frame[COMMIT + 1];
    for (int pgno = 1; pgno <= COMMIT; pgno++) {
      array[pgno] = map.frame(pgno);
    }
    for (int i = 0; i < ASKED; i++) {
      asked[i] = 1 + random.nextInt(COMMIT);
    }
  }

  private static SortedSet<Integer> all() {
    TreeSet<Integer> pgnos = new TreeSet<>();
    for (int pgno = 1; pgno <= COMMIT; pgno++) {
      pgnos.add(pgno);
    }
    return pgnos;
  }

  private SortedSet<Integer> some(int count) {
    TreeSet<Integer> pgnos = new TreeSet<>();
    while (pgnos.size() < count) {
      pgnos.add(1 + random.nextInt(COMMIT));
    }
    return pgnos;
  }

  private static PageMap.Change change(int txid, SortedSet<Integer> pgnos) throws IOException {
    Txid bound = new Txid(txid);
    LtxHeader header = LtxHeader.of(PAGE_SIZE, COMMIT, new TxidRange(bound, bound), 0);
    byte[] page = new byte[PAGE_SIZE];
    try (LtxEncoder encoder = new LtxEncoder(OutputStream.nullOutputStream(), header)) {
      for (int pgno : pgnos) {
        encoder.page(pgno, page);
      }
      encoder.finish();
      PageIndex index = encoder.index();
      return new PageMap.Change(txid, bound, index, COMMIT);
    }
  }

  private int nextAsked() {
    return asked[turn++ & (ASKED - 1)];
  }

  /** A random page's frame. */
  @Benchmark
  public PageMap.Frame lookUp() {
    return map.frame(nextAsked());
  }

  /** A random page's frame from an array, 32 bytes a page. */
  @Benchmark
  public PageMap.Frame lookUpInArray() {
    return array[nextAsked()];
  }

  /** Makes the map that has one more file. */
  @Benchmark
  public PageMap apply() throws ViewException {
    return map.apply(next);
  }

  /** As {@link #apply}, and finds what the page store has to clear. */
  @Benchmark
  public long publish() throws ViewException {
    PageMap after = map.apply(next);
    after.forEachChanged(map, new Txid(FILES + 1), pgno -> changed += pgno);
    return changed;
  }
}
