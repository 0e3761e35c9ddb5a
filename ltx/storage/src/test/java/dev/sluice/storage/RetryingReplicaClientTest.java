package dev.sluice.storage;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sluice.ltx.Txid;
import java.io.ByteArrayInputStream;
import java.io.InputStream;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.Test;

class RetryingReplicaClientTest extends RetriedCallFixture {
  private final Retries retries =
      new Retries(
          Duration.ofMillis(50),
          Duration.ofSeconds(2),
          Duration.ofSeconds(10),
          new Random(7),
          time);
  private final ReplicaClient client = until(Duration.ofSeconds(30));

  private ReplicaClient until(Duration wait) {
    return retries.until(Deadline.after(wait, time::nanos), inner);
  }

  @Test
  void aFirstSuccessIsPassedOnAndLeavesNothingBehind() {
    CompletableFuture<byte[]> read = client.read(FILE, 0, 10);
    byte[] bytes = new byte[10];
    inner.<byte[]>last().complete(bytes);
    assertSame(bytes, read.join());
    assertEquals(1, inner.count());
    assertEquals(0, time.waiting());
  }

  @Test
  void unavailableIsTriedAgainUntilItSucceeds() {
    CompletableFuture<byte[]> read = client.read(FILE, 0, 10);
    for (int attempt = 1; attempt <= 5; attempt++) {
      assertEquals(attempt, inner.count());
      inner.failLast(new ReplicaException.Unavailable("503"));
      assertFalse(read.isDone());
      time.advanceMillis(2000);
    }
    inner.<byte[]>last().complete(new byte[10]);
    assertEquals(10, read.join().length);
    assertEquals(0, time.waiting());
  }

  @Test
  void delaysDoubleUpToTheLongestWithJitter() {
    for (int attempt = 1; attempt <= 70; attempt++) {
      long full = Math.min(2000, attempt > 20 ? 2000 : 50L << (attempt - 1));
      List<Long> delays = new ArrayList<>();
      for (int i = 0; i < 200; i++) {
        delays.add(retries.delayNanos(attempt) / 1_000_000);
      }
      assertTrue(
          delays.stream().allMatch(delay -> delay >= full / 2 - 1 && delay <= full),
          attempt + ": " + delays);
      assertTrue(delays.stream().distinct().count() > 5, "no jitter in attempt " + attempt);
    }
  }

  @Test
  void atTheDeadlineOneMessageSaysWhatWhereHowOftenAndWhy() {
    CompletableFuture<List<LtxFile>> list = client.list(3, Txid.FIRST);
    long start = time.nanos();
    while (!list.isDone()) {
      if (!inner.last().isDone()) {
        inner.failLast(new ReplicaException.Unavailable("connection refused"));
      }
      time.advanceMillis(10);
    }
    long millis = (time.nanos() - start) / 1_000_000;
    assertTrue(millis > 29_000 && millis <= 30_000, "ended after " + millis + " ms");
    ReplicaException.Unavailable e = failure(ReplicaException.Unavailable.class, list);
    String message = String.valueOf(e.getMessage());
    assertTrue(
        message.matches(
            "list level 3 of test://bucket/db: tried "
                + inner.count()
                + " times in 29\\.\\d s, last: connection refused"),
        message);
    assertTrue(inner.count() > 15 && inner.count() < 45, inner.count() + " attempts");
    assertEquals(0, time.waiting());
  }

  @Test
  void aServerThatNeverAnswersIsGivenUpAndTriedAgain() {
    CompletableFuture<byte[]> read = client.read(FILE, 0, 10);
    CompletableFuture<byte[]> first = inner.last();
    time.advanceMillis(9_999);
    assertFalse(first.isDone());
    time.advanceMillis(100);
    assertTrue(first.isCancelled());
    assertEquals(2, inner.count());
    inner.<byte[]>last().complete(new byte[10]);
    assertEquals(10, read.join().length);
  }

  @Test
  void whatIsSlowButHealthyGetsMoreTime() {
    CompletableFuture<List<LtxFile>> list = client.list(0, Txid.FIRST);
    time.advanceMillis(10_100);
    assertEquals(2, inner.count());
    CompletableFuture<List<LtxFile>> second = inner.last();
    time.advanceMillis(14_800);
    assertFalse(second.isDone());
    second.complete(List.of());
    assertEquals(List.of(), list.join());
  }

  @Test
  void attemptsAreShorterWhenTheDeadlineIsNear() {
    CompletableFuture<byte[]> read = until(Duration.ofSeconds(1)).read(FILE, 0, 10);
    time.advanceMillis(1_000);
    ReplicaException.Unavailable e = failure(ReplicaException.Unavailable.class, read);
    assertTrue(inner.count() >= 3, inner.count() + " attempts");
    assertTrue(String.valueOf(e.getMessage()).contains("no answer within 0.4 s"), e.getMessage());
    assertTrue(inner.last().isCancelled());
    assertEquals(0, time.waiting());
  }

  @Test
  void aDeadlineThatHasPassedMakesNoAttempt() {
    CompletableFuture<byte[]> read = until(Duration.ZERO).read(FILE, 0, 10);
    failure(ReplicaException.Unavailable.class, read);
    assertEquals(0, inner.count());
  }

  @Test
  void nothingButUnavailableIsTriedAgain() {
    List<Exception> finals =
        List.of(
            new ReplicaException.NotFound("gone"),
            new ReplicaException.Conflict("other"),
            new ReplicaException.Denied("403"),
            new ReplicaException.OutcomeUnknown("timeout"),
            new IllegalStateException("bug"));
    for (Exception last : finals) {
      int before = inner.count();
      CompletableFuture<byte[]> read = client.read(FILE, 0, 10);
      inner.failLast(new CompletionException(last));
      assertSame(last, assertThrows(CompletionException.class, read::join).getCause());
      time.advanceMillis(3000);
      assertEquals(before + 1, inner.count());
    }
  }

  @Test
  void aWriteWithoutAnAnswerIsUnknownAndNeverMadeTwice() {
    CompletableFuture<LtxFile> create = client.createIfAbsent(NAME, Path.of("x"), Instant.EPOCH);
    time.advanceMillis(29_999);
    assertFalse(create.isDone());
    time.advanceMillis(2);
    failure(ReplicaException.OutcomeUnknown.class, create);
    assertTrue(inner.last().isCancelled());
    time.advanceMillis(60_000);
    assertEquals(1, inner.count());
  }

  @Test
  void aWriteThatChangedNothingIsTriedAgain() {
    CompletableFuture<LtxFile> create = client.createIfAbsent(NAME, Path.of("x"), Instant.EPOCH);
    inner.failLast(new ReplicaException.Unavailable("503"));
    time.advanceMillis(100);
    assertEquals(2, inner.count());
    inner.<LtxFile>last().complete(FILE);
    assertSame(FILE, create.join());
  }

  @Test
  void cancellingCancelsTheAttemptAndAllToCome() {
    CompletableFuture<byte[]> running = client.read(FILE, 0, 10);
    running.cancel(true);
    assertTrue(inner.last().isCancelled());
    assertThrows(CancellationException.class, running::join);
    assertEquals(0, time.waiting());

    CompletableFuture<byte[]> waiting = client.read(FILE, 0, 10);
    inner.failLast(new ReplicaException.Unavailable("503"));
    waiting.cancel(true);
    time.advanceMillis(5_000);
    assertEquals(2, inner.count());
    assertEquals(0, time.waiting());
  }

  @Test
  void aStreamThatComesTooLateIsClosed() {
    CompletableFuture<InputStream> open = client.open(FILE);
    CompletableFuture<InputStream> late = new CompletableFuture<>();
    late.complete(InputStream.nullInputStream());
    AtomicBoolean isClosed = new AtomicBoolean();
    InputStream stream =
        new ByteArrayInputStream(new byte[1]) {
          @Override
          public void close() {
            isClosed.set(true);
          }
        };
    CompletableFuture<InputStream> request = inner.last();
    // The outer future is completed first, as by a caller's own timeout, and the answer arrives
    // after that.
    open.completeExceptionally(new ReplicaException.Unavailable("given up"));
    request.complete(stream);
    assertTrue(isClosed.get());
  }

  @Test
  void aRangeOutsideTheFileIsRefusedAtOnce() {
    assertThrows(IllegalArgumentException.class, () -> client.read(FILE, 0, 101));
  }

  @Test
  void theInnerClientIsNotClosed() {
    client.close();
    assertFalse(inner.isClosed);
    assertEquals("test://bucket/db", client.location());
  }
}
