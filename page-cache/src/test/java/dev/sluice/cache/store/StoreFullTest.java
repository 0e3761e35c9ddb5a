package dev.sluice.cache.store;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Optional;
import java.util.Random;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A disk that is full for a while: a limit of a process's files stands for it. */
class StoreFullTest {
  private static final Path PRLIMIT = Path.of("/usr/bin/prlimit");

  @TempDir Path dir;

  @Test
  void fillingStopsAndGoesOnWhenThereIsRoomAgain() throws Exception {
    assumeTrue(Files.isExecutable(PRLIMIT), "needs prlimit");
    String java = Path.of(System.getProperty("java.home", ""), "bin", "java").toString();
    String classes =
        System.getProperty("surefire.test.class.path", System.getProperty("java.class.path", ""));
    Process child =
        new ProcessBuilder(
                java, "-XX:-UsePerfData", "-cp", classes, Full.class.getName(), dir.toString())
            .redirectErrorStream(true)
            .start();
    String output = new String(child.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    assertEquals(0, child.waitFor(), output);
    assertTrue(output.endsWith("done\n"), output);
  }

  /** What a process does whose disk is full for a while. */
  static final class Full {
    private static final int PAGE_SIZE = 4096;
    private static final long TXID = 5;

    private Full() {}

    public static void main(String[] args) throws Exception {
      AtomicLong nanos = new AtomicLong();
      Path dir = Path.of(args[0]);
      PageStore.Spec spec =
          new PageStore.Spec("full", PAGE_SIZE, StoreReaders.NONE, Long.MAX_VALUE, nanos::get);
      LocalStore local =
          StoreFolder.own(dir, Optional.empty(), Duration.ZERO)
              .orElseThrow()
              .create(spec, TXID, 30_000);
      PageStore store = local.pages();
      for (long pgno = 1; pgno <= 100; pgno++) {
        assertTrue(fill(store, pgno, 1));
      }
      limitFiles("409600:unlimited"); // the first hundred pages
      assertTrue(fill(store, 50, 2), "a page that has its place");
      assertFalse(fill(store, 101, 1), "the disk is full");
      assertFalse(store.contains(101));
      assertFalse(fill(store, 20_000, 1), "it rests");
      nanos.addAndGet(Duration.ofMinutes(1).toNanos());
      assertFalse(fill(store, 20_000, 1), "no room to grow");
      nanos.addAndGet(Duration.ofMinutes(1).toNanos());
      assertTrue(fill(store, 50, 3));
      requirePage(store, 50, 3);
      requirePage(store, 100, 1);
      limitFiles("unlimited:unlimited");
      assertTrue(fill(store, 101, 1), "there is room again");
      assertTrue(fill(store, 20_000, 1));
      requirePage(store, 101, 1);
      requirePage(store, 20_000, 1);
      assertEquals(102, store.pageCount());
      assertEquals(102 * PAGE_SIZE, store.usedBytes());
      local.close();
      System.out.println("done");
    }

    private static boolean fill(PageStore store, long pgno, long version) {
      if (store.contains(pgno)) {
        store.clear(pgno);
      }
      return store.fill(pgno, page(pgno, version), 0, Proof.NONE, each -> TXID);
    }

    private static void requirePage(PageStore store, long pgno, long version) {
      byte[] dst = new byte[PAGE_SIZE];
      assertTrue(store.read(pgno, TXID, dst), "page " + pgno);
      assertArrayEquals(page(pgno, version), dst, "page " + pgno);
    }

    private static byte[] page(long pgno, long version) {
      byte[] page = new byte[PAGE_SIZE];
      new Random(pgno * 1000 + version).nextBytes(page);
      return page;
    }

    /** What is beyond the soft limit cannot be written. */
    private static void limitFiles(String limits) throws IOException, InterruptedException {
      Process prlimit =
          new ProcessBuilder(
                  PRLIMIT.toString(),
                  "--pid",
                  Long.toString(ProcessHandle.current().pid()),
                  "--fsize=" + limits)
              .inheritIO()
              .start();
      assertEquals(0, prlimit.waitFor());
    }
  }
}
