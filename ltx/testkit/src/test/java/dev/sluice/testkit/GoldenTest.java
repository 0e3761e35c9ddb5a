package dev.sluice.testkit;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class GoldenTest {
  @TempDir Path dir;

  @Test
  void everyReplicaHasFilesAndImagesAtTheirEnds() {
    assertEquals(13, Golden.all().size());
    for (Golden golden : Golden.all()) {
      assertTrue(golden.images().size() >= 1, golden.name());
      String last = golden.images().lastKey();
      assertTrue(
          golden.files().stream().anyMatch(file -> file.maxTxid().equals(last)), golden.name());
      assertEquals(golden.pageSize(), Integer.parseInt(golden.name().replaceAll(".*-", "")));
    }
    assertEquals(46, Golden.named("live-4096").images().size());
  }

  @Test
  void indexNamesEveryResourceThatIsThere() throws Exception {
    Path root = Path.of(Golden.class.getResource("/golden/index.txt").toURI()).resolveSibling("");
    try (Stream<Path> paths = Files.walk(root)) {
      List<String> found =
          paths
              .filter(Files::isRegularFile)
              .map(path -> root.relativize(path).toString().replace('\\', '/'))
              .filter(path -> !path.equals("index.txt"))
              .sorted()
              .collect(Collectors.toList());
      assertEquals(found, Files.readAllLines(root.resolve("index.txt")));
    }
  }

  @Test
  void copyHoldsEveryFileUnderLtx() throws IOException {
    Golden golden = Golden.named("levels-incr-4096");
    Path replica = golden.copyTo(dir);
    assertEquals(dir.resolve("replica"), replica);
    for (GoldenFile file : golden.files()) {
      Path copy = replica.resolve("ltx/" + file.level() + "/" + file.name());
      assertArrayEquals(file.bytes(), Files.readAllBytes(copy));
    }
  }

  @Test
  void filesOfSeveralReplicasGoIntoOneFolder() throws IOException {
    List<GoldenFile> files = new ArrayList<>(Golden.named("legacy-4096").files());
    Golden.named("sum-4096").files().stream()
        .filter(f -> f.minTxid().compareTo("0000000000000005") > 0)
        .forEach(files::add);
    Path replica = Golden.copyTo(dir.resolve("mixed"), files);
    try (Stream<Path> copies = Files.list(replica.resolve("ltx/0"))) {
      assertEquals(10, copies.count());
    }
  }

  @Test
  void unknownNameSaysWhatThereIs() {
    IllegalArgumentException e =
        assertThrows(IllegalArgumentException.class, () -> Golden.named("none"));
    assertTrue(String.valueOf(e.getMessage()).contains("live-4096"));
  }
}
