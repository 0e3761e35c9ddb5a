package dev.sluice.cli;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sluice.testkit.Golden;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
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
