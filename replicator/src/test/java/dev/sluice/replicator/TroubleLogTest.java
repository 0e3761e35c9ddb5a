package dev.sluice.replicator;

import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.sluice.replicator.TroubleLog.Part;
import dev.sluice.replicator.levels.LevelFigures;
import dev.sluice.replicator.levels.LevelFigures.Work;
import dev.sluice.storage.ReplicaException;
import java.io.IOException;
import java.nio.file.FileSystemException;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** How often a person is told of what fails again and again. */
final class TroubleLogTest {
  private static final long SECOND = TimeUnit.SECONDS.toNanos(1);

  private static final LevelFigures NOTHING =
      new LevelFigures(Work.NONE, Work.NONE, Work.NONE, Work.NONE, 0, List.of(), false);

  private final LoggedLines lines = new LoggedLines();
  private final Counters counters = new Counters();
  private final TroubleLog log = new TroubleLog(Path.of("/a.db"), counters);
  private long nowNanos = Long.MAX_VALUE - 90 * SECOND;

  @AfterEach
  void leave() {
    lines.close();
  }

  private void has(Part part, Throwable failure) {
    nowNanos += SECOND;
    log.has(part, Trouble.of(failure), nowNanos);
  }

  private void requireLines(String... expected) {
    assertEquals(List.of(expected), lines.all());
  }

  @Test
  void numbersThatVaryAreNoChange() {
    has(Part.CAPTURE, new IOException("17 bytes wait"));
    has(Part.CAPTURE, new IOException("4711 bytes wait"));
    has(Part.CAPTURE, new IOException("read-only"));
    requireLines("WARN 17 bytes wait", "WARN read-only");
    assertEquals(2, counters.figures(NOTHING).troubles());
  }

  @Test
  void whatATypeSaysIsTheKindWhateverTheCause() {
    has(Part.UPLOADS, new ReplicaException.Unavailable("write: unknown host"));
    has(Part.UPLOADS, new ReplicaException.Unavailable("write: no address"));
    has(Part.UPLOADS, new ReplicaException.OutcomeUnknown("write: no answer"));
    has(Part.UPLOADS, new ReplicaException.Denied("write: no"));
    requireLines("WARN /a.db waits: write: unknown host", "WARN /a.db waits: write: no");
    has(Part.CAPTURE, new NoSuchFileException("/a"));
    has(Part.CAPTURE, new NoSuchFileException("/b"));
    has(Part.CAPTURE, new FileSystemException("/c", null, "full"));
    assertEquals(4, lines.all().size());
  }

  @Test
  void kindsThatTakeTurnsAreToldOnceAMinute() {
    for (int i = 0; i < 30; i++) {
      has(Part.UPLOADS, new ReplicaException.Unavailable("away"));
      has(Part.UPLOADS, new ReplicaException.Denied("denied"));
    }
    requireLines("WARN /a.db waits: away", "WARN /a.db waits: denied");
    has(Part.UPLOADS, new ReplicaException.Unavailable("away"));
    assertEquals(3, lines.all().size());
  }

  @Test
  void endIsToldOnceAndWhatComesThenIsNew() {
    log.isOver(Part.UPLOADS);
    has(Part.UPLOADS, new ReplicaException.Unavailable("away"));
    has(Part.LEVELS, new ReplicaException.Unavailable("away"));
    log.isOver(Part.UPLOADS);
    log.isOver(Part.UPLOADS);
    has(Part.UPLOADS, new ReplicaException.Unavailable("away"));
    log.isOver(Part.LEVELS);
    requireLines(
        "WARN /a.db waits: away",
        "WARN /a.db: keep its replica's levels: away",
        "INFO /a.db goes on",
        "WARN /a.db waits: away",
        "INFO /a.db: its replica's levels are kept again");
  }

  @Test
  void errorOfOursIsToldWithItsTraceOnce() {
    has(Part.CAPTURE, new IllegalStateException("bug 1"));
    has(Part.CAPTURE, new IllegalStateException("bug 2"));
    requireLines("ERROR replicate /a.db");
  }
}
