package dev.sluice.storage;

import static java.nio.charset.StandardCharsets.UTF_8;
import static java.util.concurrent.TimeUnit.SECONDS;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sluice.ltx.Txid;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicLong;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;

/**
 * What every {@link ReplicaClient} promises. A client's test extends this class and says how to
 * open a client on an empty replica and how to put an object there behind the client's back.
 */
public abstract class ReplicaClientContract extends ReplicaReadContract {
  private static final Instant TIMESTAMP = Instant.parse("2026-11-20T10:00:00.123Z");

  /**
   * Returns a part of the name of the threads that the client starts, none of which may be left
   * after close.
   */
  protected abstract String threadName();

  /** Returns whether of two who replace one version of an object at once only one succeeds. */
  protected boolean replacesAtomically() {
    return true;
  }

  @Test
  public void createIfAbsentStoresContentAndTimestamp() throws Exception {
    byte[] content = bytes(10_000);
    AtomicLong taken = new AtomicLong();
    LtxFile created =
        get(client.createIfAbsent(name(2, 5, 9), localFile(content), TIMESTAMP, taken::addAndGet));
    assertTrue(taken.get() >= content.length, "bytes that were told: " + taken);
    assertEquals(name(2, 5, 9), created.name());
    assertEquals(content.length, created.size());
    assertArrayEquals(content, get(client.read(created, 0, content.length)));
    LtxFile listed = get(client.list(2, Txid.FIRST)).get(0);
    assertEquals(created.version(), listed.version());
    assertEquals(content.length, listed.size());
    assertEquals(TIMESTAMP, get(client.readTail(created.name(), 100)).file().created());
  }

  @Test
  public void createIfAbsentOfANameThatExistsIsAConflictAndChangesNothing() throws Exception {
    byte[] content = bytes(1000);
    LtxFile first = putFile(name(0, 1, 1), content);
    assertFails(
        ReplicaException.Conflict.class,
        client.createIfAbsent(first.name(), localFile(bytes(2000)), TIMESTAMP));
    assertArrayEquals(content, get(client.read(first, 0, 1000)));
  }

  @Test
  public void ofTenThatCreateOneNameOneWins() throws Exception {
    int racers = 10;
    ExecutorService threads = Executors.newFixedThreadPool(racers);
    try {
      CyclicBarrier start = new CyclicBarrier(racers);
      List<Future<Boolean>> results = new ArrayList<>();
      for (int i = 0; i < racers; i++) {
        byte[] content = ("racer " + i).getBytes(UTF_8);
        Path local = localFile(content);
        results.add(threads.submit(() -> createsFirst(start, local)));
      }
      int winner = -1;
      for (int i = 0; i < racers; i++) {
        if (results.get(i).get(SECONDS_MAX, SECONDS)) {
          assertEquals(-1, winner, "two have won");
          winner = i;
        }
      }
      LtxFile stored = get(client.list(0, Txid.FIRST)).get(0);
      assertEquals(
          "racer " + winner, new String(get(client.read(stored, 0, (int) stored.size())), UTF_8));
      assertEquals(1, get(client.list(0, Txid.FIRST)).size());
    } finally {
      threads.shutdownNow();
    }
  }

  private boolean createsFirst(CyclicBarrier start, Path local) throws Exception {
    start.await(SECONDS_MAX, SECONDS);
    try {
      get(client.createIfAbsent(name(0, 1, 1), local, TIMESTAMP));
      return true;
    } catch (ExecutionException e) {
      assertInstanceOf(ReplicaException.Conflict.class, e.getCause());
      return false;
    }
  }

  @Test
  public void deleteIsIdempotentAndLeavesOthers() throws Exception {
    List<LtxFileName> names = new ArrayList<>();
    for (int i = 1; i <= 30; i++) {
      putFile(name(0, i, i), bytes(10));
      names.add(name(0, i, i));
    }
    putFile(name(1, 1, 30), bytes(10));
    List<LtxFileName> doomed = new ArrayList<>(names.subList(0, 29));
    doomed.add(name(0, 77, 77));
    get(client.delete(doomed));
    get(client.delete(doomed));
    get(client.delete(List.of()));
    assertEquals(List.of(name(0, 30, 30)), namesOf(get(client.list(0, Txid.FIRST))));
    assertEquals(List.of(name(1, 1, 30)), namesOf(get(client.list(1, Txid.FIRST))));
  }

  @Test
  public void aCancelledCallDoesNotDisturbOthers() throws Exception {
    byte[] content = bytes(1_000_000);
    LtxFile file = putFile(name(0, 1, 1), content);
    for (int i = 0; i < 200; i++) {
      CompletableFuture<byte[]> read = client.read(file, 0, content.length);
      read.cancel(true);
      assertTrue(read.isDone());
      CompletableFuture<InputStream> open = client.open(file);
      open.cancel(true);
      assertTrue(open.isDone());
    }
    assertArrayEquals(content, get(client.read(file, 0, content.length)));
  }

  @Test
  public void closeEndsThreadsAndIsIdempotent() throws Exception {
    try (ReplicaClient other = openClient()) {
      putFile(name(0, 1, 1), bytes(10));
      get(other.list(0, Txid.FIRST));
    }
    client.close();
    client.close();
    awaitNoThread();
  }

  @Test
  public void aClosedClientDeniesAndDoesNotAskToBeRetried() throws Exception {
    LtxFile file = putFile(name(0, 1, 1), bytes(10));
    client.close();
    assertFails(ReplicaException.Denied.class, client.list(0, Txid.FIRST));
    assertFails(ReplicaException.Denied.class, client.read(file, 0, 10));
    assertFails(ReplicaException.Denied.class, client.readTail(file.name(), 10));
    assertFails(ReplicaException.Denied.class, client.open(file));
  }

  @Test
  public void callsUnderWayAtCloseEnd() throws Exception {
    byte[] content = bytes(1_000_000);
    LtxFile file = putFile(name(0, 1, 1), content);
    List<CompletableFuture<byte[]>> reads = new ArrayList<>();
    for (int i = 0; i < 50; i++) {
      reads.add(client.read(file, 0, content.length));
    }
    client.close();
    CountDownLatch ended = new CountDownLatch(reads.size());
    reads.forEach(read -> Futures.whenDone(read, (bytes, failure) -> ended.countDown()));
    assertTrue(ended.await(SECONDS_MAX, SECONDS), "calls hang after close");
    for (CompletableFuture<byte[]> read : reads) {
      if (read.isCompletedExceptionally()) {
        assertFails(ReplicaException.class, read);
      } else {
        assertArrayEquals(content, get(read));
      }
    }
  }

  @Test
  public void objectThatDoesNotExistIsEmpty() throws Exception {
    assertTrue(get(client.objects().read("lock.json")).isEmpty());
    get(client.objects().delete("lock.json"));
  }

  @Test
  public void objectIsReadAsItWasWrittenAndNoLevelShowsIt() throws Exception {
    SideObjects objects = client.objects();
    String first = get(objects.create("lock.json", bytes(10)));
    SideObject read = get(objects.read("lock.json")).orElseThrow();
    assertArrayEquals(bytes(10), read.content());
    assertEquals(first, read.version());
    String second = get(objects.replace("lock.json", bytes(20), first));
    assertNotEquals(first, second);
    assertArrayEquals(bytes(20), get(objects.read("lock.json")).orElseThrow().content());
    get(objects.create("sluice/probe-1", bytes(1)));
    for (int level = 0; level <= LtxFileName.SNAPSHOT_LEVEL; level++) {
      assertEquals(List.of(), get(client.list(level, Txid.FIRST)));
    }
    get(objects.delete("lock.json"));
    assertTrue(get(objects.read("lock.json")).isEmpty());
  }

  @Test
  public void objectIsNotWrittenAgainstItsCondition() throws Exception {
    SideObjects objects = client.objects();
    assertFails(
        ReplicaException.Conflict.class, objects.replace("lock.json", bytes(1), "0123456789"));
    String first = get(objects.create("lock.json", bytes(10)));
    assertFails(ReplicaException.Conflict.class, objects.create("lock.json", bytes(11)));
    String second = get(objects.replace("lock.json", bytes(12), first));
    assertFails(ReplicaException.Conflict.class, objects.replace("lock.json", bytes(13), first));
    get(objects.delete("lock.json"));
    assertFails(ReplicaException.Conflict.class, objects.replace("lock.json", bytes(14), second));
    assertTrue(get(objects.read("lock.json")).isEmpty());
  }

  @Test
  public void ofManyWhoReplaceOneVersionOneSucceeds() throws Exception {
    try (ReplicaClient other = openClient()) {
      String version = get(client.objects().create("lock.json", bytes(3)));
      for (int round = 0; round < 10; round++) {
        List<CompletableFuture<String>> all = new ArrayList<>();
        for (int i = 0; i < 6; i++) {
          SideObjects objects = (i % 2 == 0 ? client : other).objects();
          all.add(objects.replace("lock.json", bytes(100 + round * 10 + i), version));
        }
        List<String> done = new ArrayList<>();
        for (CompletableFuture<String> one : all) {
          try {
            done.add(get(one));
          } catch (ExecutionException e) {
            assertInstanceOf(ReplicaException.class, e.getCause());
          }
        }
        assertTrue(done.size() <= 1 || !replacesAtomically(), "written by " + done.size());
        version = get(client.objects().read("lock.json")).orElseThrow().version();
        assertTrue(done.isEmpty() || done.contains(version));
      }
    }
  }

  @Test
  public void nameThatLeadsElsewhereIsRefusedAtOnce() {
    for (String name : List.of("../lock.json", "/lock.json", "", "a//b", "Lock.json", "a/")) {
      assertThrows(IllegalArgumentException.class, () -> client.objects().read(name), name);
    }
  }

  private void awaitNoThread() throws InterruptedException {
    for (Thread thread : threadsOfClient()) {
      thread.join(SECONDS_MAX * 1000);
      assertFalse(thread.isAlive(), thread.getName() + " is left after close");
    }
  }

  private Set<Thread> threadsOfClient() {
    return Thread.getAllStackTraces().keySet().stream()
        .filter(thread -> thread.getName().contains(threadName()))
        .collect(Collectors.toSet());
  }

  private Path localFile(byte[] content) throws Exception {
    return Files.write(Files.createTempFile(temporary, "content", ".ltx"), content);
  }
}
