package dev.sluice.storage.history;

import dev.sluice.ltx.LtxHeader;
import dev.sluice.ltx.Txid;
import dev.sluice.ltx.TxidRange;
import java.util.List;
import java.util.SortedMap;
import java.util.TreeMap;

/**
 * Compacts LTX files in the plainest way there is: decode all, the newest version of each page
 * wins, encode. The header follows the format's rules for compacted files: first min, last max,
 * commit and time of the last, nothing of the WAL, no checksums.
 */
public final class Merger {
  private Merger() {}

  /**
   * Returns the compaction of files that follow each other; overlap is allowed.
   *
   * @param contents whole files in the order of history, at least one
   * @throws IllegalArgumentException if there is a gap between two, or the page size changes
   */
  public static byte[] merge(List<byte[]> contents) {
    List<WholeFile> files = contents.stream().map(WholeFile::decode).toList();
    LtxHeader first = files.get(0).header();
    LtxHeader last = files.get(files.size() - 1).header();
    SortedMap<Long, byte[]> pages = new TreeMap<>();
    Txid reached = first.range().min().previous();
    for (WholeFile file : files) {
      if (!file.header().range().follows(reached)) {
        throw new IllegalArgumentException(file.header().range() + " does not follow " + reached);
      }
      if (file.header().pageSize() != first.pageSize()) {
        throw new IllegalArgumentException("the page size changes at " + file.header().range());
      }
      reached = file.header().range().max();
      pages.putAll(file.pages());
    }
    TxidRange range = new TxidRange(first.range().min(), last.range().max());
    LtxHeader header = LtxHeader.of(first.pageSize(), last.commit(), range, last.timestampMillis());
    return new WholeFile(header, pages.headMap(last.commit() + 1)).encode();
  }
}
