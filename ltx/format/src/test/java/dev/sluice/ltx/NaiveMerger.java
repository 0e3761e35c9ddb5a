package dev.sluice.ltx;

import java.util.List;
import java.util.SortedMap;
import java.util.TreeMap;

/** What a compaction must come to, in the plainest way: apply one file after the other. */
final class NaiveMerger {
  private NaiveMerger() {}

  /** Returns the pages of the merged file. */
  static SortedMap<Long, byte[]> merge(List<LtxFiles.Decoded> files) {
    SortedMap<Long, byte[]> pages = new TreeMap<>();
    for (LtxFiles.Decoded file : files) {
      pages.putAll(file.pages());
      pages.tailMap(file.header().commit() + 1).clear();
    }
    return pages;
  }
}
