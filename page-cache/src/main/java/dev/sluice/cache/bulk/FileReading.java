package dev.sluice.cache.bulk;

import dev.sluice.ltx.FrameSum;
import dev.sluice.ltx.LtxFormatException;
import dev.sluice.ltx.PageIndex;
import dev.sluice.storage.LtxFile;
import java.util.List;
import java.util.Optional;
import java.util.TreeMap;

/**
 * How far one file is: listed, then its ends are known, then its frames are asked for from the
 * first to the last, and their sums come in any order. Confined to the reading thread.
 */
final class FileReading {
  private final LtxFile file;
  private Optional<BulkFile> known = Optional.empty();

  /** Of a file that is requested as a whole. */
  private Optional<byte[]> content = Optional.empty();

  /** First entry and end of frames that need not come. */
  private final TreeMap<Integer, Integer> skipped = new TreeMap<>();

  private int nextEntry;
  private boolean isRequested;
  private int outstanding;
  private final TreeMap<Integer, FrameSum> sums = new TreeMap<>();

  FileReading(LtxFile file) {
    this.file = file;
  }

  LtxFile file() {
    return file;
  }

  /** Notes what the file holds. */
  void know(BulkFile ends, Optional<byte[]> whole) {
    known = Optional.of(ends);
    content = whole;
  }

  boolean isKnown() {
    return known.isPresent();
  }

  /** Returns the file; its ends are known. */
  BulkFile bulk() {
    return known.orElseThrow();
  }

  /** Returns all of it, once, if it was requested as a whole. */
  Optional<byte[]> takeContent() {
    Optional<byte[]> taken = content;
    content = Optional.empty();
    return taken;
  }

  /** Notes which frames need not come; before any is asked for. */
  void skip(List<SummedFrames> frames) {
    for (SummedFrames each : frames) {
      if (each.sum().count() < 1) {
        throw new IllegalArgumentException("no frames at " + each.first());
      }
      skipped.put(each.first(), each.end());
      sums.put(each.first(), each.sum());
    }
    passSkipped();
  }

  private void passSkipped() {
    for (Integer end = skipped.get(nextEntry); end != null; end = skipped.get(nextEntry)) {
      nextEntry = end; // further on: no frames are skipped that are none
    }
  }

  /** Returns the frames that come next; after those that are skipped at the end it is the mark. */
  FrameRange nextRange(int bytesMax) {
    PageIndex index = bulk().index();
    Integer limit = skipped.higherKey(nextEntry);
    return FrameRange.from(nextEntry, limit == null ? index.count() : limit, index, bytesMax);
  }

  /** Notes that the next frames are asked for. */
  void ask(FrameRange range) {
    nextEntry += range.count();
    passSkipped();
    isRequested = range.isLast();
    outstanding++;
  }

  /** Notes that frames that were asked for were decoded. */
  void add(FrameRange range, FrameSum sum) {
    if (range.count() > 0) {
      sums.put(range.first(), sum);
    }
    outstanding--;
  }

  boolean isDecoded() {
    return isRequested && outstanding == 0;
  }

  /** Verifies the file, all of whose frames were decoded, and lets go of what it holds. */
  BulkFile prove() throws LtxFormatException {
    BulkFile proven = bulk();
    proven.ends().prove(sums.values().stream().reduce(FrameSum.NONE, FrameSum::then));
    known = Optional.empty();
    sums.clear();
    skipped.clear();
    return proven;
  }
}
