package dev.sluice.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sluice.testkit.Golden;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.time.Instant;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

final class LtxCommandTest {
  private static final Instant CREATED = Instant.parse("2026-11-20T10:00:00.5Z");

  @TempDir Path folder;
  private String replica = "";

  @BeforeEach
  void copyReplica() throws IOException {
    Path copy = Golden.named("levels-incr-4096").copyTo(folder);
    replica = copy.toString();
    try (Stream<Path> files = Files.walk(copy)) {
      for (Path file : files.filter(Files::isRegularFile).toList()) {
        Files.setLastModifiedTime(file, FileTime.from(CREATED));
      }
    }
  }

  @Test
  void filesOfAllLevelsAreListedInColumns() {
    List<String> lines = CliRun.done("ltx", replica).out().lines().toList();
    assertEquals("level  min_txid          max_txid          size   created", lines.get(0));
    assertEquals(
        "0      0000000000000007  0000000000000007  1561   2026-11-20T10:00:00Z", lines.get(1));
    assertEquals(
        "9      0000000000000001  0000000000000004  57691  2026-11-20T10:00:00Z", lines.get(9));
    assertEquals(10, lines.size());
  }

  @Test
  void configuredDatabaseStandsForItsReplica() throws IOException {
    Path config =
        Files.writeString(
            folder.resolve("c.yml"),
            "dbs: [{path: /var/app.db, replica: {path: '" + replica + "'}}]");
    assertEquals(
        CliRun.done("ltx", replica).out(),
        CliRun.done("ltx", "-config", config.toString(), "/var/app.db").out());
  }

  @Test
  void oneLevelIsListed() {
    List<String> lines = CliRun.done("ltx", "-level", "1", replica).out().lines().toList();
    assertEquals(4, lines.size());
    assertTrue(lines.stream().skip(1).allMatch(line -> line.startsWith("1 ")), lines::toString);
  }

  @Test
  void jsonHasTheColumnsAsKeys() {
    assertEquals(
        "[{\"level\":9,\"min_txid\":\"0000000000000001\",\"max_txid\":\"0000000000000004\",\"size\":57691,"
            + "\"created\":\"2026-11-20T10:00:00Z\"}]\n",
        CliRun.done("ltx", "--level=9", "--json", replica).out());
  }

  @Test
  void emptyReplicaIsAnEmptyList() throws IOException {
    String nothing = Files.createDirectory(folder.resolve("nothing")).toString();
    assertEquals("[]\n", CliRun.done("ltx", nothing, "--json").out());
    assertEquals("level  min_txid  max_txid  size  created\n", CliRun.done("ltx", nothing).out());
  }
}
