package dev.sluice.cache.store;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.BufferedReader;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicReference;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What a process that is killed while it opens a temporary store leaves, and who removes it. */
class TemporaryFolderTest {
  @TempDir Path dir;

  private List<Path> names() throws IOException {
    try (Stream<Path> files = Files.list(dir)) {
      return files.toList();
    }
  }

  @Test
  void aTemporaryStoreLeavesNoName() throws IOException {
    PageStore.Spec spec = new PageStore.Spec("test", 512, StoreReaders.NONE, 1 << 20);
    LocalStore store = StoreFolder.temporary(dir, spec);
    assertEquals(List.of(), names());
    assertTrue(store.pages().fill(1, new byte[512], 0, Proof.NONE, pgno -> 5));
    store.close();
  }

  @Test
  void whatAKilledProcessLeftIsRemovedAndNothingElse() throws Exception {
    Path child = Files.createDirectory(dir.resolve("private-photos"));
    Files.createFile(child.resolve("owner"));
    Process opening = start(Opening.class, dir.toString());
    try (BufferedReader output = opening.inputReader(StandardCharsets.UTF_8)) {
      assertEquals("opening", output.readLine());
      assertEquals(2, names().size());
      TemporaryFolder.removeLeft(dir);
      assertEquals(2, names().size(), "its owner lives");
      opening.destroyForcibly().waitFor();
      assertEquals(2, names().size(), "nothing was left");
      TemporaryFolder.removeLeft(dir);
      assertEquals(List.of(child), names());
      assertTrue(Files.exists(child.resolve("owner")));
    } finally {
      opening.destroyForcibly();
    }
  }

  /** Killed before it could lock anything. */
  @Test
  void aFolderWithoutALockIsRemoved() throws IOException {
    Files.createDirectory(dir.resolve("private-01234567-89ab-4def-8edc-ba9876543210"));
    TemporaryFolder.removeLeft(dir);
    assertEquals(List.of(), names());
  }

  @Test
  void aFolderThatIsGoneIsNobodys() throws IOException {
    assertTrue(TemporaryFolder.own(dir.resolve("private-gone")).isEmpty());
    Path made = Files.createDirectory(dir.resolve("private-made"));
    try (TemporaryFolder first = TemporaryFolder.own(made).orElseThrow()) {
      assertTrue(TemporaryFolder.own(made).isEmpty());
      assertEquals(made, first.path());
    }
    assertTrue(TemporaryFolder.own(made).isEmpty());
  }

  /** One that was just made is not locked yet. */
  @Test
  void whoeverRemovesTakesNoFolderFromWhoMakesOne() throws Exception {
    AtomicBoolean isOver = new AtomicBoolean();
    AtomicReference<Throwable> failure = new AtomicReference<>();
    Thread removing =
        new Thread(
            () -> {
              try {
                while (!isOver.get()) {
                  TemporaryFolder.removeLeft(dir);
                }
              } catch (IOException | RuntimeException e) {
                failure.set(e);
              }
            });
    removing.start();
    try {
      for (int i = 0; i < 1000; i++) {
        try (TemporaryFolder folder = TemporaryFolder.make(dir)) {
          Path file = Files.createFile(folder.path().resolve("pages"));
          assertTrue(Files.exists(file), "round " + i);
        }
      }
    } finally {
      isOver.set(true);
      removing.join();
    }
    assertEquals(null, failure.get());
    assertEquals(List.of(), names());
  }

  private static Process start(Class<?> program, String... arguments) throws IOException {
    String java = Path.of(System.getProperty("java.home", ""), "bin", "java").toString();
    String classes =
        System.getProperty("surefire.test.class.path", System.getProperty("java.class.path", ""));
    Stream<String> command =
        Stream.concat(
            Stream.of(java, "-XX:-UsePerfData", "-cp", classes, program.getName()),
            Stream.of(arguments));
    return new ProcessBuilder(command.toList())
        .redirectError(ProcessBuilder.Redirect.INHERIT)
        .start();
  }

  /** Opens a temporary store, and stops in the middle of it. */
  static final class Opening {
    private Opening() {}

    public static void main(String[] args) throws IOException {
      PageStore.Spec spec = new PageStore.Spec("test", 512, new Stopping(), 1 << 20);
      StoreFolder.temporary(Path.of(args[0]), spec).close();
    }
  }

  private static final class Stopping extends NoReaders {
    @Override
    public void attach(Path pages, Path tags, int pageSize) {
      System.out.println("opening");
      try {
        System.in.read(); // until it is killed
      } catch (IOException e) {
        throw new IllegalStateException(e);
      }
    }
  }
}
