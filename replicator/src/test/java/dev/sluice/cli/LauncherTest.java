package dev.sluice.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * The launcher in a checkout of its own, with stand-ins for Java, Maven and the compiler that write
 * down how they are called.
 */
final class LauncherTest {
  private static final List<String> TOOLS =
      List.of(
          "sh",
          "find",
          "head",
          "tail",
          "dirname",
          "readlink",
          "sed",
          "cat",
          "mkdir",
          "ln",
          "mv",
          "rm",
          "touch",
          "sleep");
  private static final Instant BEFORE_THE_JAR = Instant.parse("2026-01-01T00:00:00Z");

  @TempDir Path folder;
  private Path checkout;
  private Path bin;
  private Path jar;
  private Path source;
  private final List<Path> errors = new ArrayList<>();
  private final List<Process> processes = new ArrayList<>();

  /** What a run of the launcher left behind. */
  private record Ran(int exitCode, String out, String err) {}

  @BeforeEach
  void makeCheckout() throws IOException {
    checkout = Files.createDirectories(folder.resolve("check out"));
    bin = Files.createDirectories(folder.resolve("bin"));
    jar = checkout.resolve("replicator/target/sluice.jar");
    for (String tool : TOOLS) {
      script("bin/" + tool, "exec " + found(tool) + " \"$@\"");
    }
    Files.copy(
        Path.of(System.getProperty("sluice.root", ".."), "sluice"), checkout.resolve("sluice"));
    assertTrue(checkout.resolve("sluice").toFile().setExecutable(true));
    source = write(checkout.resolve("page-cache/src/main/java/A.java"), "class A {}");
    write(checkout.resolve("pom.xml"), "<project/>");
    script(
        "jdk/bin/java",
        "for a in \"$@\"; do case $a in -X*|-D*) ;; *) echo \"[$a]\" ;; esac; done; cat \"$JAR_FILE\"");
    write(folder.resolve("jdk/release"), "JAVA_VERSION=\"17.0.1\"\n");
    Files.createSymbolicLink(bin.resolve("java"), Path.of("../jdk/bin/java"));
    script("bin/cc", "exit 0");
    script(
        "bin/mvn", "echo built >>\"$BUILDS\"; mkdir -p replicator/target; echo jar >\"$JAR_FILE\"");
  }

  @Test
  void jarThatIsMissingIsBuiltOnce() throws Exception {
    assertEquals(0, run("version").exitCode());
    assertEquals(0, run("version").exitCode());
    assertEquals(1, builds());
  }

  @Test
  void argumentsArriveAsTheyWere() throws Exception {
    Ran ran = run("sql", "a b", "", "*", "x\ny", "'\"$HOME");
    assertEquals(
        "[-jar]\n[" + jar + "]\n[sql]\n[a b]\n[]\n[*]\n[x\ny]\n['\"$HOME]\njar\n", ran.out());
    assertEquals("", ran.err());
  }

  @Test
  void symbolicLinkFromAnotherFolderFindsTheCheckout() throws Exception {
    Path elsewhere = Files.createDirectories(folder.resolve("else where"));
    Files.createSymbolicLink(elsewhere.resolve("one"), Path.of("../check out/sluice"));
    Files.createSymbolicLink(elsewhere.resolve("two"), Path.of("one"));
    Ran ran = finish(start(elsewhere, "../else where/two", "version"));
    assertEquals(0, ran.exitCode(), ran.err());
    assertTrue(ran.out().contains("[version]"), ran.out());
  }

  private void buildThenRunWithChanged(String file) throws Exception {
    buildThenAgeTheSources();
    write(checkout.resolve(file), "changed");
    Files.setLastModifiedTime(
        checkout.resolve(file),
        FileTime.from(Files.getLastModifiedTime(jar).toInstant().plusSeconds(5)));
    run("version");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "page-cache/src/main/java/A.java",
        "pom.xml",
        "vfs-native/build.sh",
        "vfs-native/src/main/c/vfs.c",
        "replicator/src/main/dist/logback.xml"
      })
  void changedSourceIsBuilt(String changed) throws Exception {
    buildThenRunWithChanged(changed);
    assertEquals(2, builds());
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "page-cache/src/test/java/ATest.java",
        "jmh/src/main/java/B.java",
        "docs/page.md",
        "page-cache/target/A.class"
      })
  void whatIsNotInTheJarIsNotBuilt(String changed) throws Exception {
    buildThenRunWithChanged(changed);
    assertEquals(1, builds());
  }

  @Test
  void twoThatStartAtOnceBuildOnce() throws Exception {
    // The first build goes on until the second launcher waits for it: its own name beside the lock
    // shows that.
    script(
        "bin/mvn",
        "echo built >>\"$BUILDS\"; until [ $(find target -name 'sluice-build.lock.*' | sed -n '$=') ]; do sleep 1; done;"
            + " mkdir -p replicator/target; echo jar >\"$JAR_FILE\"");
    Process first = start(checkout, "./sluice", "version");
    Process second = start(checkout, "./sluice", "version");
    assertEquals(0, finish(first).exitCode());
    assertEquals(0, finish(second).exitCode());
    assertEquals(1, builds());
  }

  @Test
  void lockOfADeadLauncherIsBroken() throws Exception {
    Process gone = new ProcessBuilder("sh", "-c", "exit 0").start();
    gone.waitFor();
    write(checkout.resolve("target/sluice-build.lock"), gone.pid() + "\n");
    assertEquals(0, run("version").exitCode());
    assertEquals(1, builds());
    assertFalse(Files.exists(checkout.resolve("target/sluice-build.lock")));
  }

  @Test
  void failedBuildShowsItsLastLines() throws Exception {
    script("bin/mvn", "echo chatter; echo '[ERROR] A.java:1: it does not compile' >&2; exit 1");
    Ran ran = run("version");
    assertEquals(1, ran.exitCode());
    assertTrue(ran.err().contains("it does not compile"), ran.err());
    assertTrue(ran.err().contains("\nsluice: build: mvn failed"), ran.err());
    assertFalse(Files.exists(checkout.resolve("target/sluice-build.lock")));
  }

  @ParameterizedTest
  @ValueSource(strings = {"java", "mvn", "cc"})
  void missingToolIsOneLine(String tool) throws Exception {
    Files.delete(bin.resolve(tool));
    Ran ran = run("version");
    assertEquals(1, ran.exitCode());
    assertTrue(
        ran.err()
            .matches("sluice: (start|build): no [^\n]*\\b" + tool + "\\b[^\n]*install[^\n]*\n"),
        ran.err());
  }

  @Test
  void oldJavaIsOneLine() throws Exception {
    write(folder.resolve("jdk/release"), "JAVA_VERSION=\"11.0.2\"\n");
    Ran ran = run("version");
    assertEquals(1, ran.exitCode());
    assertTrue(
        ran.err().matches("sluice: start: \\S+ is version 11: install JDK 17 or later[^\n]*\n"),
        ran.err());
  }

  private void buildThenAgeTheSources() throws Exception {
    Files.setLastModifiedTime(source, FileTime.from(BEFORE_THE_JAR));
    run("version");
    assertEquals(1, builds());
  }

  private Ran run(String... arguments) throws Exception {
    List<String> command = new ArrayList<>(List.of(arguments));
    command.add(0, "./sluice");
    return finish(start(checkout, command.toArray(String[]::new)));
  }

  private Process start(Path workingFolder, String... command) throws IOException {
    List<String> line = new ArrayList<>(List.of(command));
    line.add(0, bin.resolve("sh").toString());
    ProcessBuilder builder = new ProcessBuilder(line).directory(workingFolder.toFile());
    builder.environment().clear();
    builder.environment().put("PATH", bin.toString());
    builder.environment().put("JAR_FILE", jar.toString());
    builder.environment().put("BUILDS", folder.resolve("builds").toString());
    builder.redirectInput(ProcessBuilder.Redirect.from(Path.of("/dev/null").toFile()));
    Path err = Files.createTempFile(folder, "err", "");
    builder.redirectError(err.toFile());
    Process process = builder.start();
    errors.add(err);
    processes.add(process);
    return process;
  }

  private Ran finish(Process process) throws Exception {
    String out = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    assertTrue(process.waitFor(30, TimeUnit.SECONDS));
    return new Ran(
        process.exitValue(), out, Files.readString(errors.get(processes.indexOf(process))));
  }

  private long builds() throws IOException {
    Path log = folder.resolve("builds");
    return Files.exists(log) ? Files.readAllLines(log).size() : 0;
  }

  private void script(String name, String body) throws IOException {
    Path file = write(folder.resolve(name), "#!/bin/sh\n" + body + "\n");
    assertTrue(file.toFile().setExecutable(true));
  }

  private static Path write(Path file, String content) throws IOException {
    Files.createDirectories(file.getParent());
    return Files.writeString(file, content);
  }

  private static Path found(String tool) {
    for (String place : List.of("/usr/bin", "/bin")) {
      Path path = Path.of(place, tool);
      if (Files.isExecutable(path)) {
        return path;
      }
    }
    throw new IllegalStateException("this machine has no " + tool);
  }
}
