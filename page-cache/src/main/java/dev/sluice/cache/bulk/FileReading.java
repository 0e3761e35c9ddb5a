package dev.sluice.cache.bulk;

import dev.sluice.ltx.FrameSum;
import dev.sluice.ltx.LtxFormatException;
import dev.sluice.storage.LtxFile;
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

  /** Returns the frames that come next. */
  FrameRange nextRange(int bytesMax) {
    return FrameRange.from(nextEntry, bulk().index(), bytesMax);
  }

  /** Notes that the next frames are asked for. */
  void ask(FrameRange range) {
    nextEntry += range.count();
    isRequested = range.isLast();
    outstanding++;
  }

  /** Notes that frames that were asked for were decoded. */
  void add(FrameRange range, FrameSum sum) {
    sums.put(range.first(), sum);
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
    return proven;
  }
}
