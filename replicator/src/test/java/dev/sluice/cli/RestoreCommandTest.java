package dev.sluice.cli;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sluice.cache.ReplicaOptions;
import dev.sluice.cache.StoreOptions;
import dev.sluice.ltx.LtxEncoder;
import dev.sluice.ltx.LtxHeader;
import dev.sluice.ltx.Txid;
import dev.sluice.ltx.TxidRange;
import dev.sluice.storage.ReplicaUrl;
import dev.sluice.testkit.Golden;
import dev.sluice.vfs.OpenReplica;
import dev.sluice.vfs.Sluice;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

final class RestoreCommandTest {

  @TempDir Path folder;
  private String replica = "";
  private Path out = Path.of("");

  @BeforeEach
  void copyReplica() {
    replica = Golden.named("small-4096").copyTo(folder).toString();
    out = folder.resolve("out 100% ?#.db");
  }

  @Test
  void jsonTellsTheResult() throws IOException {
    String json =
        CliRun.done(
                "restore",
                "-o",
                out.toString(),
                "--txid",
                "2",
                "--integrity-check",
                "full",
                "-json",
                replica)
            .out();
    long bytes = Files.size(out);
    String expected =
        "\\{\"db_path\":\"[^\"]*out 100%% \\?#\\.db\",\"replica\":\"[^\"]+\",\"txid\":\"0000000000000002\",\"pages\":%d,\"bytes\":%d,"
            + "\"duration_ms\":\\d+,\"integrity_check\":\"full\"}\n";
    assertTrue(json.matches(expected.formatted(bytes / 4096, bytes)), json);
    assertOnlyOutput();
  }

  @Test
  void storeOfThisHostIsCopied() throws Exception {
    CliRun none = CliRun.of("restore", "--from-store", "-o", out.toString(), replica);
    assertEquals(ExitCode.FAILED, none.exitCode());
    assertTrue(none.err().contains("from its page store: there is no page store in "), none.err());
    Sluice.register();
    try (OpenReplica open =
        Sluice.open(
            ReplicaOptions.of(ReplicaUrl.ofDirectory(replica))
                .withStore(StoreOptions.DEFAULT.hydrated(true)))) {
      open.replica().latest();
      long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(30);
      while (open.replica().hydrationPercent() < 100) {
        assertTrue(System.nanoTime() < end, "not hydrated");
        Thread.onSpinWait();
      }
      CliRun.done(
          "restore", "-from-store", "--integrity-check", "full", "-o", out.toString(), replica);
    }
    Path other = folder.resolve("other.db");
    CliRun.done("restore", "-o", other.toString(), replica);
    assertArrayEquals(Files.readAllBytes(other), Files.readAllBytes(out));
    CliRun wrong = CliRun.of("restore", "--from-store", "--txid", "1", "-o", "x", replica);
    assertEquals(ExitCode.WRONG_USAGE, wrong.exitCode());
  }

  /** Scripts for Litestream set it. */
  @Test
  void parallelismIsAccepted() {
    CliRun.done("restore", "-parallelism", "16", "-o", out.toString(), replica);
    assertTrue(Files.isRegularFile(out));
  }

  @Test
  void onlyARegularFileIsReplaced() throws Exception {
    Path pipe = folder.resolve("pipe");
    assertEquals(0, new ProcessBuilder("mkfifo", pipe.toString()).start().waitFor());
    CliRun run = CliRun.of("restore", "--force", "-o", pipe.toString(), replica);
    assertEquals("sluice: restore to " + pipe + ": that is not a regular file\n", run.err());
    assertFalse(Files.isRegularFile(pipe));
  }

  @Test
  void outputMayHaveAnyName() throws IOException {
    for (String name : new String[] {"a[b.db", "a{b.db", "a[1]*?.db", "a\\b.db"}) {
      Path odd = Files.createDirectories(folder.resolve("odd")).resolve(name);
      CliRun.done("restore", "-o", odd.toString(), replica);
      try (Stream<Path> files = Files.list(folder.resolve("odd"))) {
        assertEquals(List.of(odd), files.toList());
      }
      Files.delete(odd);
    }
  }

  @Test
  void existingFileIsRefusedAndKept() throws IOException {
    Files.writeString(out, "mine");
    CliRun run = CliRun.of("restore", "-o", out.toString(), replica);
    assertEquals(
        "sluice: restore to " + out + ": it exists already; --force replaces it\n", run.err());
    assertEquals(ExitCode.FAILED, run.exitCode());
    assertEquals("mine", Files.readString(out));
  }

  @ParameterizedTest
  @ValueSource(strings = {"-wal", "-journal", "-shm"})
  void companionOfAnotherDatabaseIsRefused(String suffix) throws IOException {
    Path companion = out.resolveSibling(out.getFileName() + suffix);
    Files.writeString(companion, "old");
    CliRun run = CliRun.of("restore", "-o", out.toString(), replica);
    assertEquals(ExitCode.FAILED, run.exitCode());
    assertTrue(run.err().contains(companion + " is there"), run.err());
    assertFalse(Files.exists(out));
    CliRun.done("restore", "--force", "-o", out.toString(), replica);
    assertFalse(Files.exists(companion));
    assertTrue(Files.exists(out));
  }

  @Test
  void forceReplacesTheFile() throws IOException {
    Files.writeString(out, "mine");
    CliRun.done("restore", "-force", "-o", out.toString(), replica);
    assertTrue(Files.size(out) > 4096);
    assertOnlyOutput();
  }

  @Test
  void failureLeavesTheOldFileAndNothingElse() throws IOException {
    Files.writeString(out, "mine");
    CliRun run = CliRun.of("restore", "-force", "-txid", "99", "-o", out.toString(), replica);
    assertEquals(ExitCode.FAILED, run.exitCode());
    assertTrue(run.err().startsWith("sluice: restore "), run.err());
    assertTrue(run.err().contains("0000000000000006"), run.err());
    assertEquals(1, run.err().lines().count(), run.err());
    assertEquals("mine", Files.readString(out));
    assertOnlyOutput();
  }

  @Test
  void existingDatabaseIsLeftAloneWhereThatIsAsked() throws IOException {
    Files.writeString(out, "mine");
    CliRun run = CliRun.done("restore", "-if-db-not-exists", "-o", out.toString(), replica);
    assertEquals("restore to " + out + ": it exists already, nothing is done\n", run.out());
    CliRun json =
        CliRun.of("restore", "--json", "--if-db-not-exists", "-o", out.toString(), "s3://no/where");
    assertEquals(ExitCode.DONE, json.exitCode());
    assertEquals("", json.out());
    assertEquals(
        "sluice: restore to " + out + ": it exists already, nothing is done\n", json.err());
    assertEquals("mine", Files.readString(out));
    assertOnlyOutput();
  }

  @Test
  void missingDatabaseIsRestoredWhereAnExistingOneIsLeftAlone() throws IOException {
    CliRun run = CliRun.done("restore", "--if-db-not-exists", "-o", out.toString(), replica);
    assertEquals("", run.out());
    assertTrue(Files.size(out) > 4096);
  }

  @Test
  void replicaWithoutFilesIsNoFailureWhereThatIsAsked() throws IOException {
    Path empty = folder.resolve("empty");
    Files.createDirectories(empty.resolve("ltx/0"));
    for (Path nothing : List.of(empty, folder.resolve("nowhere"))) {
      CliRun run =
          CliRun.done("restore", "-if-replica-exists", "-o", out.toString(), nothing.toString());
      assertTrue(
          run.out().matches("restore \\S*" + nothing + ": it has no files, nothing is done\n"),
          run.out());
      assertFalse(Files.exists(out));
    }
    CliRun.done("restore", "-if-replica-exists", "-o", out.toString(), replica);
    assertTrue(Files.size(out) > 4096);
  }

  @Test
  void replicaThatHasFilesButNotTheTxidIsAFailureAllTheSame() {
    CliRun run =
        CliRun.of("restore", "-if-replica-exists", "-txid", "99", "-o", out.toString(), replica);
    assertEquals(ExitCode.FAILED, run.exitCode());
    assertFalse(Files.exists(out));
  }

  @Test
  void txidBeyondTheNewestNamesTheNewestAndItsTime() {
    assertMissing(
        "--txid",
        "99",
        "TXID 0000000000000099 is not reachable: the nearest below is 0000000000000006 \\(TIME\\), above none");
  }

  @Test
  void txidAtWhichNoFileEndsNamesThoseOnBothSides() throws IOException {
    replica = twoSnapshots().toString();
    assertMissing(
        "--txid",
        "3",
        "TXID 0000000000000003 is not reachable: the nearest below is 0000000000000002 \\(2026-01-01T00:00:02Z\\),"
            + " above 0000000000000005 \\(2026-01-01T00:00:05Z\\)");
  }

  @Test
  void txidBeforeTheOldestNamesTheOldest() throws IOException {
    replica = twoSnapshots().toString();
    assertMissing(
        "--txid",
        "1",
        "TXID 0000000000000001 is not reachable: the nearest below is none, above 0000000000000002 \\(2026-01-01T00:00:02Z\\)");
  }

  @Test
  void timeBeforeTheOldestNamesTheOldest() throws IOException {
    replica = twoSnapshots().toString();
    assertMissing(
        "--timestamp",
        "2025-12-31T00:00:00Z",
        "there is no state before 2025-12-31T00:00:00Z: the oldest TXID is 0000000000000002 \\(2026-01-01T00:00:02Z\\)");
  }

  private void assertMissing(String option, String value, String reason) {
    CliRun run = CliRun.of("restore", option, value, "-o", out.toString(), replica);
    assertEquals(ExitCode.FAILED, run.exitCode());
    String time = "\\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\d(\\.\\d+)?Z";
    assertTrue(
        run.err().matches("sluice: restore \\S+: " + reason.replace("TIME", time) + "\n"),
        run.err());
    assertFalse(Files.exists(out));
  }

  /** A replica whose history begins with a snapshot at TXID 2 and goes on with one at TXID 5. */
  private Path twoSnapshots() throws IOException {
    Path place = folder.resolve("snapshots");
    Path level = Files.createDirectories(place.resolve("ltx/9"));
    for (long txid : new long[] {2, 5}) {
      TxidRange range = new TxidRange(Txid.FIRST, new Txid(txid));
      LtxHeader header =
          LtxHeader.of(
              4096, 1, range, Instant.parse("2026-01-01T00:00:00Z").toEpochMilli() + txid * 1000);
      try (OutputStream file = Files.newOutputStream(level.resolve(range + ".ltx"));
          LtxEncoder encoder = new LtxEncoder(file, header)) {
        encoder.page(1, new byte[4096]);
        encoder.finish();
      }
    }
    return place;
  }

  @Test
  void folderThatIsMissingIsSaid() {
    Path nowhere = folder.resolve("no/where.db");
    CliRun run = CliRun.of("restore", "-o", nowhere.toString(), replica);
    assertEquals(
        "sluice: restore to " + nowhere + ": there is no folder " + nowhere.getParent() + "\n",
        run.err());
    assertEquals(ExitCode.FAILED, run.exitCode());
  }

  @Test
  void integrityCheckFindsADamagedDatabase() throws IOException {
    CliRun.done("restore", "-o", out.toString(), replica);
    byte[] database = Files.readAllBytes(out);
    for (int at = 4096; at < database.length; at++) {
      database[at] = 0;
    }
    Files.write(out, database);
    for (IntegrityCheck check : List.of(IntegrityCheck.QUICK, IntegrityCheck.FULL)) {
      Failure failure = assertThrows(Failure.class, () -> check.run(out));
      assertTrue(
          String.valueOf(failure.getMessage())
              .contains("_check of the restored database: ".replace('_', ' ')),
          failure::getMessage);
    }
    assertArrayEquals(database, Files.readAllBytes(out));
  }

  @Test
  void progressIsForAPersonOnly() {
    CliRun run = CliRun.watched("restore", "-o", out.toString(), replica);
    assertTrue(run.err().contains(" MB, 100 %"), run.err());
    assertTrue(run.err().endsWith("\r\u001b[K"), run.err());
    assertEquals("", run.out());
  }

  /** Neither a companion nor what was being made is left beside the file. */
  private void assertOnlyOutput() throws IOException {
    try (Stream<Path> files = Files.list(folder)) {
      assertEquals(
          List.of(out.getFileName(), Path.of("replica")),
          files.map(Path::getFileName).sorted().toList());
    }
  }
}
