package dev.sluice.cache.restore;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sluice.cache.Replica;
import dev.sluice.cache.ReplicaOptions;
import dev.sluice.cache.Replicas;
import dev.sluice.cache.SharedMemory;
import dev.sluice.cache.StoreOptions;
import dev.sluice.cache.TestReplicas;
import dev.sluice.cache.View;
import dev.sluice.ltx.Txid;
import java.io.FileNotFoundException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.Optional;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A database made from a page store alone; each page says in which transaction it was written. */
class StoreRestorerTest {
  private static final int PAGE_SIZE = 512;
  private static final int COMMIT = 2000;

  private static final SharedMemory MEMORY =
      new SharedMemory() {
        @Override
        public ByteBuffer map(int bytes) {
          return ByteBuffer.allocateDirect(bytes);
        }

        @Override
        public void release(ByteBuffer memory) {}
      };

  @TempDir Path dir;

  private ReplicaOptions options() {
    return TestReplicas.options(dir.resolve("replica"))
        .withCacheDirectory(dir.resolve("cache"))
        .withPollInterval(Duration.ofMillis(5))
        .withStore(StoreOptions.DEFAULT.hydrated(true));
  }

  private static boolean isWritten(long pgno, long txid) {
    return txid == 1 || pgno == 1 || (pgno * 31 + txid * 17) % 7 == 0;
  }

  private static byte[] page(long pgno, long txid) {
    long last = txid;
    while (!isWritten(pgno, last)) {
      last--;
    }
    byte[] page = new byte[PAGE_SIZE];
    Arrays.fill(page, (byte) (last * 7 + pgno));
    ByteBuffer.wrap(page).putLong(104, last).putLong(112, pgno);
    return page;
  }

  private void commit(long txid) throws IOException {
    SortedMap<Long, byte[]> pages = new TreeMap<>();
    for (long pgno = 1; pgno <= COMMIT; pgno++) {
      if (isWritten(pgno, txid)) {
        pages.put(pgno, page(pgno, txid));
      }
    }
    Path hidden = dir.resolve("coming");
    Path file =
        TestReplicas.write(hidden, 0, TestReplicas.header(PAGE_SIZE, COMMIT, txid, txid), pages);
    Path visible = TestReplicas.file(dir.resolve("replica"), 0, txid, txid);
    Files.createDirectories(visible.getParent());
    Files.move(file, visible);
  }

  private Restorer.Result restore(Path out) throws IOException {
    try (DatabasePlace place = new DatabasePlace(out, DatabasePlace.Existing.REPLACE)) {
      Restorer.Result result = new StoreRestorer(options()).restore(place);
      place.publish();
      return result;
    }
  }

  private static void requireState(Restorer.Result result, Path out) throws IOException {
    byte[] image = Files.readAllBytes(out);
    assertEquals(COMMIT * PAGE_SIZE, image.length);
    for (int pgno = 1; pgno <= COMMIT; pgno++) {
      int from = (pgno - 1) * PAGE_SIZE;
      assertArrayEquals(
          page(pgno, result.txid().value()),
          Arrays.copyOfRange(image, from, from + PAGE_SIZE),
          "page " + pgno + " of " + result);
    }
  }

  @Test
  void copyOfALiveStoreIsOneState() throws Exception {
    commit(1);
    AtomicBoolean isDone = new AtomicBoolean();
    Txid first;
    Txid last;
    try (Replicas replicas = new Replicas(MEMORY, name -> Optional.empty())) {
      Replica replica = replicas.acquire(options());
      View view = replica.latest();
      TestReplicas.await(() -> replica.hydrationPercent() == 100);
      CompletableFuture<Txid> writer =
          CompletableFuture.supplyAsync(
              () -> {
                try {
                  long txid = 1;
                  while (!isDone.get() && txid < 10_000) {
                    commit(++txid);
                    TimeUnit.MILLISECONDS.sleep(30);
                  }
                  return new Txid(txid);
                } catch (IOException | InterruptedException e) {
                  throw new IllegalStateException(e);
                }
              });
      first = view.txid();
      last = first;
      Path out = dir.resolve("out.db");
      try {
        long endNanos = System.nanoTime() + TimeUnit.SECONDS.toNanos(60);
        for (int i = 0; i < 15 || !last.isAfter(first); i++) {
          assertTrue(System.nanoTime() < endNanos && !writer.isDone(), "nothing changes meanwhile");
          Restorer.Result result = restore(out);
          requireState(result, out);
          assertFalse(result.txid().isBefore(last));
          last = result.txid();
        }
      } finally {
        isDone.set(true);
      }
      Txid written = writer.get();
      // What is released while pages come may be left with some that are not there.
      TestReplicas.await(
          () ->
              replica.published().orElseThrow().txid().equals(written)
                  && replica.hydrationPercent() == 100);
      replicas.release(replica);
    }
    Path out = dir.resolve("left.db");
    requireState(restore(out), out); // when nobody has it
  }

  @Test
  void storeOfAnotherReplicaIsRefused() throws Exception {
    commit(1);
    Path file = dir.resolve("hydrated.db");
    ReplicaOptions mine = options().withStore(StoreOptions.DEFAULT.hydrated(true).withPath(file));
    try (Replicas replicas = new Replicas(MEMORY, name -> Optional.empty())) {
      Replica replica = replicas.acquire(mine);
      replica.latest();
      TestReplicas.await(() -> replica.hydrationPercent() == 100);
      ReplicaOptions others = TestReplicas.options(dir.resolve("another")).withStore(mine.store());
      try (DatabasePlace place =
          new DatabasePlace(dir.resolve("out.db"), DatabasePlace.Existing.REFUSE)) {
        IOException refused =
            assertThrows(IOException.class, () -> new StoreRestorer(others).restore(place));
        assertTrue(String.valueOf(refused.getMessage()).contains("of another replica"));
        new StoreRestorer(mine).restore(place);
      }
      replicas.release(replica);
    }
  }

  @Test
  void whatIsNotThereIsSaid() throws Exception {
    assertThrows(FileNotFoundException.class, () -> restore(dir.resolve("none.db")));
    assertFalse(Files.exists(dir.resolve("none.db")));
  }
}
