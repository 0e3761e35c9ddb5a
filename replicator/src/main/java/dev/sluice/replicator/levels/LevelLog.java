package dev.sluice.replicator.levels;

import dev.sluice.replicator.levels.LevelFigures.Work;
import java.time.Duration;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;

/** Counts what was done. Thread-safe: all under its own lock. */
final class LevelLog {
  private final Map<Kind, Work> works = new EnumMap<>(Kind.class);
  private long deletedFiles;

  /** What is counted apart. */
  enum Kind {
    COMPACTION,
    SNAPSHOT,
    DELETION,
    LISTING
  }

  private static Duration since(long startNanos) {
    return Duration.ofNanos(System.nanoTime() - startNanos);
  }

  synchronized void done(Kind kind, long startNanos, long inputBytes, long outputBytes) {
    works.put(kind, work(kind).done(since(startNanos), inputBytes, outputBytes));
  }

  synchronized void deleted(long startNanos, int files) {
    done(Kind.DELETION, startNanos, 0, 0);
    deletedFiles += files;
  }

  synchronized void failed(Kind kind, long startNanos) {
    works.put(kind, work(kind).failed(since(startNanos)));
  }

  private Work work(Kind kind) {
    return works.getOrDefault(kind, Work.NONE);
  }

  synchronized LevelFigures figures(List<Integer> fileCounts, boolean needsImage) {
    return new LevelFigures(
        work(Kind.COMPACTION),
        work(Kind.SNAPSHOT),
        work(Kind.DELETION),
        work(Kind.LISTING),
        deletedFiles,
        fileCounts,
        needsImage);
  }
}
