package dev.sluice.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sluice.cache.ViewException;
import dev.sluice.cache.restore.CopyException;
import dev.sluice.cache.restore.CopyStep;
import dev.sluice.ltx.LtxFormatException;
import dev.sluice.ltx.Txid;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.sql.Connection;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.NavigableSet;
import java.util.Random;
import java.util.TreeSet;
import org.junit.jupiter.api.Test;

/** A copy that is kept current by a follower in this process. */
final class RestoreFollowTest extends FollowedCopy {

  /** What a crash leaves is what the files are at that point. */
  @Test
  void crashAtAnyStepLeavesAWholeStateFromWhichItGoesOn() throws Exception {
    Path crashes = folder.resolve("crashes");
    List<CopyStep> taken = new ArrayList<>();
    steps =
        step -> {
          try {
            keep(crashes.resolve(String.valueOf(taken.size())));
          } catch (IOException e) {
            throw new UncheckedIOException(e);
          }
          taken.add(step);
        };
    try (Followed followed = new Followed().begin()) {
      change(new Random(1), 59);
      assertTrue(followed.poll());
      change(new Random(2), 60); // shrinks
      assertTrue(followed.poll());
      change(new Random(3), 61);
      primary.commitImage("UPDATE state SET seq = 62", "PRAGMA page_size = 4096", "VACUUM");
      change(new Random(4), 63);
      assertTrue(followed.poll());
      assertFalse(followed.poll());
    }
    assertEquals(EnumSet.allOf(CopyStep.class), EnumSet.copyOf(taken));
    steps = step -> {};
    NavigableSet<Long> seen = new TreeSet<>();
    for (int i = 0; i < taken.size(); i++) {
      copy = crashes.resolve(String.valueOf(i)).resolve("copy.db");
      seen.add(checkedState()); // SQLite rolls back
      try (Followed followed = new Followed().resume()) {
        followed.poll();
      }
      assertEquals(63, checkedState(), "after " + taken.get(i));
      assertSamePages();
    }
    assertEquals(new TreeSet<>(List.of(1L, 59L, 60L, 63L)), seen);
  }

  @Test
  void copyGoesOnWhereItIsAfterARestart() throws Exception {
    try (Followed followed = new Followed().begin()) {
      change(new Random(1), 2);
      assertTrue(followed.poll());
      assertFalse(followed.poll());
    }
    change(new Random(2), 3);
    long before = Files.readAttributes(copy, "unix:ino").hashCode();
    try (Followed followed = new Followed().resume()) {
      assertEquals(new Txid(2), followed.txid());
      assertTrue(followed.poll());
    }
    assertEquals(before, Files.readAttributes(copy, "unix:ino").hashCode());
    assertSamePages();
    assertOnlyCopyAndRecord();
  }

  @Test
  void copyThatNothingProvesAnyMoreIsMadeEqualInPlace() throws Exception {
    try (Connection reader = openedAt1()) {
      change(new Random(1), 2);
      primary.commitImage("UPDATE state SET seq = 3");
      primary.delete(0, 1, 1);
      primary.delete(0, 2, 2);
      try (Followed followed = new Followed().resume()) {
        assertEquals(new Txid(3), followed.txid());
        assertSamePages();
        assertEquals(3, checked(reader));
      }
    }
  }

  @Test
  void otherPageSizeIsTakenOnInPlace() throws Exception {
    try (Followed followed = new Followed().begin();
        Connection reader = open(copy)) {
      assertEquals(1, checked(reader));
      change(new Random(1), 2);
      primary.commitImage("UPDATE state SET seq = 3", "PRAGMA page_size = 4096", "VACUUM");
      assertTrue(followed.poll());
      assertEquals(3, checked(reader));
      change(new Random(2), 4);
      assertTrue(followed.poll());
      assertEquals(4, checked(reader));
      assertSamePages();
    }
  }

  @Test
  void copyThatWasWrittenToIsRefused() throws Exception {
    new Followed().begin().close();
    try (Connection writer = open(copy);
        Statement statement = writer.createStatement()) {
      statement.execute("UPDATE state SET total = 99");
    }
    try (Followed followed = new Followed()) {
      CopyException failure = assertThrows(CopyException.class, followed::resume);
      assertTrue(
          String.valueOf(failure.getMessage())
              .endsWith("was changed by another program after TXID 0000000000000001"),
          failure.getMessage());
    }
  }

  @Test
  void replicaThatWasReplacedEndsIt() throws Exception {
    try (Followed followed = new Followed().begin()) {
      change(new Random(1), 2);
      assertTrue(followed.poll());
      Path other = Files.createDirectories(folder.resolve("other"));
      GrowingReplica another = new GrowingReplica(other);
      another.commit("CREATE TABLE somebody_elses (x)", "INSERT INTO somebody_elses VALUES (1)");
      another.commit("INSERT INTO somebody_elses VALUES (2)");
      for (int txid = 1; txid <= 2; txid++) {
        String name = "ltx/0/%016x-%016x.ltx".formatted(txid, txid);
        Files.copy(
            another.replica().resolve(name),
            primary.replica().resolve(name),
            StandardCopyOption.REPLACE_EXISTING);
      }
      assertThrows(ViewException.Replaced.class, followed::poll);
    }
    CliRun run = CliRun.of("restore", "-f", "-o", copy.toString(), primary.replica().toString());
    assertEquals(ExitCode.FAILED, run.exitCode());
    assertTrue(
        run.err()
            .matches(
                "sluice: follow \\S+: the replica was replaced: L0 \\S+ is another file now\n"),
        run.err());
  }

  @Test
  void databaseThatWasDeletedEndsItAndTheCopyStays() throws Exception {
    try (Followed followed = new Followed().begin()) {
      change(new Random(1), 2);
      primary.commitDeletion();
      assertThrows(ViewException.Deleted.class, followed::poll);
      assertEquals(1, checkedState());
    }
  }

  @Test
  void gapIsWaitedForAndThenClosed() throws Exception {
    try (Followed followed = new Followed().begin()) {
      change(new Random(1), 2);
      change(new Random(2), 3);
      change(new Random(3), 4);
      Path missing = primary.replica().resolve("ltx/0/0000000000000003-0000000000000003.ltx");
      byte[] content = Files.readAllBytes(missing);
      Files.delete(missing);
      ViewException.Gap gap = assertThrows(ViewException.Gap.class, followed::poll);
      assertTrue(
          String.valueOf(gap.getMessage()).contains("TXID 0000000000000003 is missing"),
          gap.getMessage());
      assertEquals(2, checkedState());
      Files.write(missing, content);
      assertTrue(followed.poll());
      assertEquals(4, checkedState());
      assertSamePages();
    }
  }

  @Test
  void damagedFileIsNotAppliedAndAnotherLevelStandsInForIt() throws Exception {
    try (Followed followed = new Followed().begin()) {
      change(new Random(1), 2);
      Path damaged = primary.replica().resolve("ltx/0/0000000000000002-0000000000000002.ltx");
      byte[] content = Files.readAllBytes(damaged);
      byte[] flipped = content.clone();
      flipped[flipped.length / 2] ^= 1;
      Files.write(damaged, flipped);
      assertThrows(LtxFormatException.class, followed::poll);
      assertEquals(1, checkedState());
      Path above = Files.createDirectories(primary.replica().resolve("ltx/1"));
      Files.write(above.resolve(String.valueOf(damaged.getFileName())), content);
      assertTrue(followed.poll());
      assertEquals(2, checkedState());
      assertSamePages();
      assertOnlyCopyAndRecord();
    }
  }

  @Test
  void databaseThatWasMadeByAnotherIsNotTakenForACopy() throws Exception {
    Files.write(copy, primary.bytes());
    CliRun run = CliRun.of("restore", "-f", "-o", copy.toString(), primary.replica().toString());
    assertEquals(ExitCode.FAILED, run.exitCode());
    assertTrue(run.err().endsWith("it exists already; --force replaces it\n"), run.err());
  }

  @Test
  void pastIsNotFollowed() {
    CliRun run = CliRun.of("restore", "-f", "-txid", "1", "-o", copy.toString(), "x");
    assertEquals(ExitCode.WRONG_USAGE, run.exitCode());
    assertEquals(
        "sluice: restore: --follow is about the newest state: leave out --txid and --timestamp\n",
        run.err());
  }
}
