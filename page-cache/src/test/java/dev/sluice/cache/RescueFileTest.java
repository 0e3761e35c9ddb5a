package dev.sluice.cache;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalLong;
import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class RescueFileTest {
  private static final int PAGE = 4096;
  private static final int SLOT = PAGE + 4;

  @TempDir Path directory;

  @Test
  void everyHistoryGivesWhatAModelGives() throws IOException {
    for (long seed = 1; seed <= 20; seed++) {
      Random random = new Random(seed);
      Map<Long, byte[]> model = new HashMap<>();
      long next = 1;
      try (RescueFile file = new RescueFile(directory, 50L * SLOT)) {
        for (int step = 0; step < 400; step++) {
          byte[] page = page(random);
          OptionalLong id = file.put(page);
          assertEquals(model.size() < 50, id.isPresent(), "seed " + seed);
          if (id.isPresent()) {
            assertEquals(next++, id.getAsLong(), "seed " + seed);
            model.put(id.getAsLong(), page);
          }
          if (random.nextInt(60) == 0) {
            int share = 1 + random.nextInt(4);
            file.retain(one -> one % share == 1);
            model.keySet().removeIf(one -> one % share != 1);
          }
          assertEquals(model.size(), file.count());
          assertEquals((long) model.size() * SLOT, file.usedBytes());
          assertEquals((50L - model.size()) * SLOT, file.room());
        }
        for (long id = 0; id <= next; id++) {
          long one = id;
          if (model.containsKey(id)) {
            assertArrayEquals(model.get(id), file.read(id), "seed " + seed);
          } else {
            IOException failure = assertThrows(IOException.class, () -> file.read(one));
            assertTrue(String.valueOf(failure.getMessage()).contains("id " + id));
          }
        }
      }
    }
  }

  @Test
  void nothingIsInTheDirectory() throws IOException {
    try (RescueFile file = new RescueFile(directory.resolve("made"), 10L * SLOT)) {
      assertTrue(Files.notExists(directory.resolve("made")));
      file.put(new byte[PAGE]);
      try (Stream<Path> names = Files.list(directory.resolve("made"))) {
        assertEquals(List.of(), names.toList());
      }
    }
  }

  @Test
  void pagesOfAnotherSizeAreRefusedUntilNoneIsLeft() throws IOException {
    try (RescueFile file = new RescueFile(directory, 1 << 20)) {
      file.put(new byte[PAGE]);
      assertEquals(OptionalLong.empty(), file.put(new byte[512]));
      assertEquals(OptionalLong.empty(), file.put(new byte[65_536]));
      file.retain(id -> false);
      assertEquals(OptionalLong.of(2), file.put(new byte[65_536]));
      assertEquals(65_536, file.read(2).length);
      assertEquals(65_540, file.usedBytes());
    }
  }

  @Test
  void aRaisedMaximumTakesMore() throws IOException {
    try (RescueFile file = new RescueFile(directory, SLOT - 1)) {
      assertEquals(OptionalLong.empty(), file.put(new byte[PAGE]));
      file.raiseMaximum(SLOT);
      file.raiseMaximum(1);
      assertEquals(OptionalLong.of(1), file.put(new byte[PAGE]));
      assertEquals(OptionalLong.empty(), file.put(new byte[PAGE]));
    }
  }

  @Test
  void aFlippedByteIsFound() throws IOException {
    Path open = Path.of("/proc/self/fd");
    assumeTrue(Files.isDirectory(open), "needs Linux");
    try (RescueFile file = new RescueFile(directory, 10L * SLOT)) {
      byte[] page = page(new Random(3));
      file.put(page);
      file.put(page);
      try (RandomAccessFile raw = new RandomAccessFile(deleted(open).toFile(), "rw")) {
        assertEquals(2L * SLOT, raw.length());
        raw.seek(SLOT + 77);
        raw.write(page[77] ^ 1);
      }
      assertArrayEquals(page, file.read(1));
      IOException failure = assertThrows(IOException.class, () -> file.read(2));
      assertTrue(String.valueOf(failure.getMessage()).contains("id 2"), failure.getMessage());
    }
  }

  private Path deleted(Path open) throws IOException {
    try (Stream<Path> links = Files.list(open)) {
      return links.filter(this::isOurs).findFirst().orElseThrow();
    }
  }

  private boolean isOurs(Path link) {
    try {
      return Files.readSymbolicLink(link).startsWith(directory.toRealPath());
    } catch (IOException e) {
      return false;
    }
  }

  @Test
  void anInterruptedThreadBreaksNothing() throws IOException {
    try (RescueFile file = new RescueFile(directory, 10L * SLOT)) {
      byte[] page = page(new Random(4));
      Thread.currentThread().interrupt();
      try {
        file.put(page);
        assertArrayEquals(page, file.read(1));
      } finally {
        assertTrue(Thread.interrupted());
      }
      assertEquals(OptionalLong.of(2), file.put(page));
      assertArrayEquals(page, file.read(2));
    }
  }

  @Test
  void aClosedFileHasNothing() throws IOException {
    RescueFile file = new RescueFile(directory, 10L * SLOT);
    file.put(new byte[PAGE]);
    file.close();
    file.close();
    assertThrows(IOException.class, () -> file.read(1));
    assertThrows(IOException.class, () -> file.put(new byte[PAGE]));
    file.retain(id -> true);
    assertEquals(0, file.usedBytes());
  }

  @Test
  void aFullDiskChangesNothing() throws IOException, InterruptedException {
    assumeTrue(Files.isExecutable(Path.of("/bin/bash")), "needs bash");
    String java = Path.of(System.getProperty("java.home", ""), "bin", "java").toString();
    String classes =
        System.getProperty("surefire.test.class.path", System.getProperty("java.class.path", ""));
    Process child =
        new ProcessBuilder(
                "/bin/bash",
                "-c",
                "ulimit -f 64; exec \"$0\" -XX:-UsePerfData -cp \"$1\" \"$2\" \"$3\"",
                java,
                classes,
                FullDisk.class.getName(),
                directory.toString())
            .redirectErrorStream(true)
            .start();
    String output = new String(child.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    assertEquals(0, child.waitFor(), output);
    assertEquals("15 pages, then full", output.strip());
  }

  /** What a process does that may write files of 64 KiB. */
  static final class FullDisk {
    private FullDisk() {}

    public static void main(String[] args) throws IOException {
      Random random = new Random(5);
      Map<Long, byte[]> pages = new HashMap<>();
      try (RescueFile file = new RescueFile(Path.of(args[0]), 1 << 20)) {
        for (int i = 0; i < 15; i++) {
          byte[] page = page(random);
          pages.put(file.put(page).orElseThrow(), page);
        }
        assertThrows(IOException.class, () -> file.put(page(random)));
        assertEquals(15, file.count());
        assertEquals(15L * SLOT, file.usedBytes());
        file.retain(id -> id != 7);
        byte[] page = page(random);
        assertEquals(OptionalLong.of(16), file.put(page));
        pages.put(16L, page);
        pages.remove(7L);
        for (Map.Entry<Long, byte[]> kept : pages.entrySet()) {
          assertArrayEquals(kept.getValue(), file.read(kept.getKey()));
        }
        assertThrows(IOException.class, () -> file.put(page(random)));
      }
      System.out.println("15 pages, then full");
    }
  }

  private static byte[] page(Random random) {
    byte[] page = new byte[PAGE];
    random.nextBytes(page);
    return page;
  }
}
