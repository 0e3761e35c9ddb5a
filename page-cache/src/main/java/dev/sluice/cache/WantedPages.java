package dev.sluice.cache;

import dev.sluice.cache.store.PageStore;
import dev.sluice.cache.store.Proof;
import dev.sluice.storage.LtxFile;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.TreeMap;

/**
 * What of a view is not in the page store, or is there and not proven yet, by the number of the
 * file in which it is. Confined to one thread.
 */
final class WantedPages {
  /** Of a file of which a quarter is wanted the rest comes along. */
  private static final int WHOLE_SHARE = 4;

  private static final long WHOLE_BYTES_MAX = 1 << 20;

  private final View view;
  private final PageMap map;
  private final StoredPages stored;
  private final PageStore store;
  private final Map<Integer, OfFile> files = new TreeMap<>();

  /** What of one file is wanted. */
  private static final class OfFile {
    long absentPages;
    long bytes;
  }

  /**
   * How files are read.
   *
   * @param whole from their beginning to their end
   * @param others numbers of files of which single pages are read
   */
  record Plan(List<LtxFile> whole, List<Integer> others) {
    boolean isEmpty() {
      return whole.isEmpty() && others.isEmpty();
    }
  }

  /**
   * @param map of the view, as it is for all of a round: pages may move meanwhile
   */
  WantedPages(View view, PageMap map, StoredPages stored, PageStore store) {
    this.view = view;
    this.map = map;
    this.stored = stored;
    this.store = store;
  }

  /** Looks at all pages. */
  void addAll() {
    map.forEach(file -> true, (pgno, frame, bound) -> add(pgno, frame));
  }

  /** Looks at what has changed since a view of which all was there and proven. */
  void addChanged(View since) {
    map.forEachChanged(
        since.pages(),
        since.txid(),
        pgno -> {
          if (map.contains(pgno)) {
            add(pgno, map.frame(pgno));
          }
        });
  }

  /** What was rescued has no file any more that could prove it. */
  private void add(long pgno, PageMap.Frame frame) {
    boolean isThere = store.contains(pgno) || stored.recover(view, pgno);
    boolean isProven =
        isThere && (frame.file() == Rescued.FILE || store.proof(pgno) == Proof.PROVEN);
    if (!isProven) {
      OfFile ofFile = files.computeIfAbsent(frame.file(), file -> new OfFile());
      ofFile.absentPages += isThere ? 0 : 1;
      ofFile.bytes += frame.bytes();
    }
  }

  boolean isEmpty() {
    return files.isEmpty();
  }

  List<LtxFile> files(FileTable table) {
    return files.keySet().stream().flatMap(number -> table.find(number).stream()).toList();
  }

  /**
   * Returns how to read what is wanted: whole files of which much is wanted, or that are small; for
   * the sake of their proof all that can be read, once nothing of these is absent any more.
   *
   * @param unusable files that are left alone
   */
  Plan plan(FileTable table, Set<LtxFile> unusable) {
    Map<Integer, LtxFile> usable = new TreeMap<>();
    for (Integer number : files.keySet()) {
      table
          .find(number)
          .filter(file -> !unusable.contains(file))
          .ifPresent(file -> usable.put(number, file));
    }
    boolean isAllThere = usable.keySet().stream().noneMatch(this::isAbsentOf);
    Plan plan = new Plan(new ArrayList<>(), new ArrayList<>());
    for (Map.Entry<Integer, OfFile> entry : files.entrySet()) {
      LtxFile file = usable.get(entry.getKey());
      if (file != null && (isAllThere || isForAll(entry.getValue(), file))) {
        plan.whole().add(file);
      } else if ((file != null || entry.getKey() == Rescued.FILE) && isAbsentOf(entry.getKey())) {
        plan.others().add(entry.getKey());
      }
    }
    return plan;
  }

  private boolean isAbsentOf(int number) {
    return Objects.requireNonNull(files.get(number)).absentPages > 0;
  }

  private static boolean isForAll(OfFile wanted, LtxFile file) {
    return wanted.bytes * WHOLE_SHARE >= file.size() || file.size() <= WHOLE_BYTES_MAX;
  }

  /** Returns pages of some files that are not there. */
  List<Long> absentOf(List<Integer> numbers) {
    List<Long> pgnos = new ArrayList<>();
    map.forEach(
        numbers::contains,
        (pgno, frame, bound) -> {
          if (!store.contains(pgno)) {
            pgnos.add(pgno);
          }
        });
    return pgnos;
  }
}
