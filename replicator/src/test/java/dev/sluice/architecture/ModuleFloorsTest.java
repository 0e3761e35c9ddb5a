package dev.sluice.architecture;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

final class ModuleFloorsTest {

  @TempDir Path folder;

  @Test
  void noModuleDependsUpward() throws IOException {
    assertEquals(List.of(), ModuleRules.violations(Module.readTree(root())));
  }

  @Test
  void everyPomOfTheTreeIsRead() throws IOException {
    List<String> read = Module.readTree(root()).stream().map(Module::artifact).sorted().toList();
    assertEquals(onDisk().size(), read.size(), () -> "modules read: " + read);
    assertTrue(
        read.containsAll(
            List.of(
                "sluice-ltx",
                "sluice-storage-s3",
                "sluice-testkit",
                "sluice-vfs-native",
                "sluice-jmh",
                "sluice-example-hikaricp")),
        read::toString);
  }

  @ParameterizedTest
  @CsvSource({
    "sluice-ltx, dev.sluice, sluice-storage, compile, sluice-ltx (floor 0) depends on sluice-storage (floor 1)",
    "sluice-storage, dev.sluice, sluice-storage-s3, compile, sluice-storage (floor 1) depends on sluice-storage-s3 (floor 1)",
    "sluice-storage-gcs, dev.sluice, sluice-storage-s3, compile, sluice-storage-gcs (floor 1) depends on sluice-storage-s3 (floor 1)",
    "sluice-vfs, dev.sluice, sluice-replicator, test, sluice-vfs (floor 3) depends on sluice-replicator (floor 4)",
    "sluice-replicator, dev.sluice, sluice-jmh, test, sluice-replicator (floor 4) depends on sluice-jmh (floor 5)",
    "sluice-vfs, dev.sluice, sluice-testkit, compile, sluice-vfs depends on sluice-testkit in scope compile: only tests may",
    "sluice-testkit, dev.sluice, sluice-ltx, compile, sluice-testkit depends on sluice-ltx: it may know none of ours",
    "sluice-ltx, org.slf4j, slf4j-api, compile, 'sluice-ltx depends on slf4j-api, which is not among [lz4-java]'",
    "sluice-replicator, dev.sluice, sluice-example-jdbi, test, sluice-replicator (floor 4) depends on sluice-example-jdbi (floor 5)",
    "sluice-vfs, io.micrometer, micrometer-core, compile, 'sluice-vfs depends on micrometer-core, which is not marked as optional'",
    "sluice-storage-s3, ch.qos.logback, logback-classic, runtime, sluice-storage-s3 depends on logback-classic in scope runtime: a library logs through SLF4J only",
    "sluice-storage-gcs, org.slf4j, slf4j-nop, compile, sluice-storage-gcs depends on slf4j-nop in scope compile: a library logs through SLF4J only",
    "sluice-surprise, org.slf4j, slf4j-api, compile, sluice-surprise has no floor: give it one",
    "sluice-storage-gcs, org.xerial, sqlite-jdbc, runtime, 'sluice-storage-gcs depends on org.xerial:sqlite-jdbc, only'"
  })
  void violationIsFound(String module, String group, String artifact, String scope, String sentence)
      throws IOException {
    write(
        "",
        "<artifactId>tree</artifactId><packaging>pom</packaging><modules><module>one</module></modules>");
    write(
        "one",
        "<artifactId>%s</artifactId><dependencies>%s</dependencies>"
            .formatted(module, dependency(group, artifact, scope)));
    List<String> violations = ModuleRules.violations(Module.readTree(folder));
    assertEquals(1, violations.size(), violations::toString);
    assertTrue(violations.get(0).startsWith(sentence), violations::toString);
  }

  private static String dependency(String group, String artifact, String scope) {
    return "<dependency><groupId>%s</groupId><artifactId>%s</artifactId><scope>%s</scope></dependency>"
        .formatted(group, artifact, scope);
  }

  private void write(String module, String content) throws IOException {
    Path at = Files.createDirectories(folder.resolve(module));
    Files.writeString(at.resolve("pom.xml"), "<project>" + content + "</project>");
  }

  private static List<Path> onDisk() throws IOException {
    try (var files = Files.find(root(), 4, (path, attributes) -> path.endsWith("pom.xml"))) {
      return files
          .filter(path -> !path.toString().contains("/target/"))
          .collect(Collectors.toList());
    }
  }

  private static Path root() {
    return Path.of(System.getProperty("sluice.root", ".."));
  }
}
