package dev.sluice.storage;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sluice.ltx.Txid;
import dev.sluice.ltx.TxidRange;
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

class RetryingReplicaClientTest {
  private static final LtxFileName NAME = new LtxFileName(0, new TxidRange(Txid.FIRST, Txid.FIRST));
  private static final LtxFile FILE = new LtxFile(NAME, 100, Instant.EPOCH, "v");

  private final VirtualTime time = new VirtualTime();
  private final ScriptedReplicaClient inner = new ScriptedReplicaClient();
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

  private final RequestMeter meter = new RequestMeter();

  private final Retries eagerly = Retries.eager(new Random(7), time, meter);

  private ReplicaClient eager() {
    return eagerly.until(Deadline.after(Duration.ofSeconds(30), time::nanos), inner);
  }

  @Test
  void anAttemptBesideAnswersWhereTheFirstHangs() {
    CompletableFuture<byte[]> read = eager().read(FILE, 0, 10);
    CompletableFuture<byte[]> first = inner.last();
    time.advanceMillis(249);
    assertEquals(1, inner.count());
    time.advanceMillis(2);
    assertEquals(2, inner.count());
    CompletableFuture<byte[]> second = inner.last();
    time.advanceMillis(250);
    assertEquals(3, inner.count());
    assertTrue(second.isCancelled(), "two at once");
    assertFalse(first.isDone(), "it may be slow but healthy");
    inner.<byte[]>last().complete(new byte[10]);
    assertEquals(10, read.join().length);
    assertTrue(first.isCancelled());
    assertEquals(0, time.waiting());
  }

  @Test
  void theFirstMayAnswerLate() {
    CompletableFuture<byte[]> read = eager().read(FILE, 0, 10);
    CompletableFuture<byte[]> first = inner.last();
    time.advanceMillis(5_000);
    inner.failLast(new ReplicaException.Unavailable("503"));
    time.advanceMillis(1_000);
    CompletableFuture<byte[]> beside = inner.last();
    first.complete(new byte[10]);
    assertEquals(10, read.join().length);
    assertTrue(beside.isCancelled());
    assertEquals(0, time.waiting());
  }

  @Test
  void whatAnAttemptBesideIsToldIsFinal() {
    CompletableFuture<byte[]> read = eager().read(FILE, 0, 10);
    CompletableFuture<byte[]> first = inner.last();
    time.advanceMillis(251);
    inner.failLast(new ReplicaException.NotFound("gone"));
    failure(ReplicaException.NotFound.class, read);
    assertTrue(first.isCancelled());
    assertEquals(0, time.waiting());
  }

  @Test
  void theAttemptBesideGoesOnWhenTheFirstFails() {
    CompletableFuture<byte[]> read = eager().read(FILE, 0, 10);
    CompletableFuture<byte[]> first = inner.last();
    time.advanceMillis(251);
    CompletableFuture<byte[]> beside = inner.last();
    first.completeExceptionally(new ReplicaException.Unavailable("reset"));
    assertFalse(beside.isCancelled(), "it may be healthy");
    time.advanceMillis(200);
    assertEquals(2, inner.count(), "two attempts for one that failed");
    beside.complete(new byte[10]);
    assertEquals(10, read.join().length);
    assertEquals(0, time.waiting());
  }

  @Test
  void theAttemptBesideGoesOnWhenTheFirstIsGivenUp() {
    ReplicaClient client =
        eagerly
            .withAttemptLimit(Duration.ofMillis(300))
            .until(Deadline.after(Duration.ofSeconds(30), time::nanos), inner);
    CompletableFuture<byte[]> read = client.read(FILE, 0, 10);
    CompletableFuture<byte[]> first = inner.last();
    time.advanceMillis(301);
    CompletableFuture<byte[]> beside = inner.last();
    assertTrue(first.isCancelled());
    assertFalse(beside.isCancelled(), "it may be healthy");
    time.advanceMillis(251);
    assertEquals(3, inner.count(), "nothing beside the one that took the place of the first");
    beside.complete(new byte[10]);
    assertEquals(10, read.join().length);
    assertTrue(inner.last().isCancelled());
    assertEquals(0, time.waiting());
  }

  @Test
  void theOneThatTookThePlaceIsFollowedByAnotherWhenItFailsToo() {
    CompletableFuture<byte[]> read = eager().read(FILE, 0, 10);
    CompletableFuture<byte[]> first = inner.last();
    time.advanceMillis(251);
    CompletableFuture<byte[]> beside = inner.last();
    first.completeExceptionally(new ReplicaException.Unavailable("reset"));
    beside.completeExceptionally(new ReplicaException.Unavailable("503"));
    time.advanceMillis(100);
    assertEquals(3, inner.count());
    inner.<byte[]>last().complete(new byte[10]);
    assertEquals(10, read.join().length);
    assertEquals(0, time.waiting());
  }

  @Test
  void whatTheFirstIsToldIsFinalToo() {
    CompletableFuture<byte[]> read = eager().read(FILE, 0, 10);
    CompletableFuture<byte[]> first = inner.last();
    time.advanceMillis(251);
    first.completeExceptionally(new ReplicaException.Denied("403"));
    failure(ReplicaException.Denied.class, read);
    assertTrue(inner.last().isCancelled());
    assertEquals(0, time.waiting());
  }

  @Test
  void aSilentStorageIsProbedByOneForAll() {
    List<CompletableFuture<byte[]>> reads = hangingReads(10);
    time.advanceMillis(20_000);
    long hedges = meter.snapshot().hedges();
    // Ten before it counts as silent, then one each eighth to quarter of a second.
    assertTrue(hedges >= 10 + 70 && hedges <= 20 + 160, hedges + " attempts beside");
    reads.forEach(read -> assertFalse(read.isDone()));
  }

  @Test
  void allWhoWaitAreAskedForAtOnceWhenAProbeIsAnswered() {
    useWhatIsSaved();
    List<CompletableFuture<byte[]>> reads = hangingReads(10);
    time.advanceMillis(900);
    int before = inner.count();
    inner.<byte[]>last().complete(new byte[10]);
    assertEquals(before + 8, inner.count(), "no more than eight at once");
    inner.<byte[]>call(before).complete(new byte[10]);
    assertEquals(before + 9, inner.count());
    for (int i = before; i < before + 9; i++) {
      inner.<byte[]>call(i).complete(new byte[10]);
    }
    reads.forEach(read -> assertEquals(10, read.join().length));
    assertEquals(0, time.waiting());
  }

  private void useWhatIsSaved() {
    Hedges.Waited notAtAll = new Hedges.Waited(time.nanos(), time.nanos(), 250_000_000);
    while (eagerly.hedges().take(notAtAll, () -> {})) {
      // until there is none
    }
  }

  /** Nobody asked for a long while: that is no silence. */
  @Test
  void afterIdlenessAnAttemptBesideIsNoProbe() {
    answerOne();
    for (int i = 0; i < 10; i++) {
      time.advanceMillis(10_000);
      CompletableFuture<byte[]> read = eager().read(FILE, 0, 10);
      CompletableFuture<byte[]> first = inner.last();
      time.advanceMillis(300);
      first.complete(new byte[10]);
      assertEquals(10, read.join().length);
    }
    useWhatIsSaved();
    CompletableFuture<byte[]> read = eager().read(FILE, 0, 10);
    int before = inner.count();
    time.advanceMillis(1_000);
    assertTrue(inner.count() > before, "an outage is noticed as soon as ever");
    read.cancel(true);
  }

  @Test
  void aSilentStorageIsProbedThoughNothingIsSaved() {
    useWhatIsSaved();
    CompletableFuture<byte[]> read = eager().read(FILE, 0, 10);
    time.advanceMillis(400);
    assertEquals(1, inner.count());
    time.advanceMillis(150);
    assertEquals(2, inner.count());
    inner.<byte[]>last().complete(new byte[10]);
    assertEquals(10, read.join().length);
    assertEquals(0, time.waiting());
  }

  @Test
  void delaysAreCutShortByTheFirstAnswerAfterASilence() {
    answerOne();
    CompletableFuture<byte[]> one = eager().read(FILE, 0, 10);
    while (time.nanos() < 3_000_000_000L) {
      if (!inner.last().isDone()) {
        inner.failLast(new ReplicaException.Unavailable("503"));
      }
      time.advanceMillis(1);
    }
    if (!inner.last().isDone()) {
      inner.failLast(new ReplicaException.Unavailable("503"));
    }
    int before = inner.count();
    answerOne();
    assertEquals(before + 2, inner.count());
    inner.<byte[]>last().complete(new byte[10]);
    assertEquals(10, one.join().length);
    assertEquals(0, time.waiting());
  }

  @Test
  void delaysAreNotCutShortWhereOthersAreAnswered() {
    answerOne();
    CompletableFuture<byte[]> one = eager().read(FILE, 0, 10);
    inner.failLast(new ReplicaException.Unavailable("503"));
    int before = inner.count();
    answerOne();
    assertEquals(before + 1, inner.count());
    assertFalse(one.isDone());
  }

  private void answerOne() {
    CompletableFuture<byte[]> read = eager().read(FILE, 0, 10);
    inner.<byte[]>last().complete(new byte[10]);
    assertEquals(10, read.join().length);
  }

  @Test
  void aStorageThatOnlyIsSlowIsProbedEverMoreSeldom() {
    int calls = 100;
    for (int i = 0; i < calls; i++) {
      CompletableFuture<byte[]> read = eager().read(FILE, 0, 10);
      CompletableFuture<byte[]> first = inner.last();
      time.advanceMillis(4_000);
      first.complete(new byte[10]);
      assertEquals(10, read.join().length);
    }
    assertTrue(inner.count() < 2 * calls, inner.count() + " attempts for " + calls + " calls");
  }

  private List<CompletableFuture<byte[]>> hangingReads(int count) {
    List<CompletableFuture<byte[]>> reads = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      reads.add(eager().read(FILE, 0, 10));
    }
    return reads;
  }

  @Test
  void cancellingCancelsBoth() {
    CompletableFuture<byte[]> read = eager().read(FILE, 0, 10);
    CompletableFuture<byte[]> first = inner.last();
    time.advanceMillis(251);
    read.cancel(true);
    assertTrue(first.isCancelled() && inner.last().isCancelled());
    time.advanceMillis(5_000);
    assertEquals(2, inner.count());
    assertEquals(0, time.waiting());
  }

  @Test
  void aStorageThatIsSlowForAllIsNotAskedTwice() {
    int calls = 300;
    for (int i = 0; i < calls; i++) {
      CompletableFuture<byte[]> read = eager().read(FILE, 0, 10);
      CompletableFuture<byte[]> first = inner.last();
      time.advanceMillis(400);
      first.complete(new byte[10]);
      assertEquals(10, read.join().length);
    }
    assertEquals(calls + 50, inner.count());
    assertEquals(50, meter.snapshot().hedges());
    for (int i = 0; i < 4; i++) {
      CompletableFuture<byte[]> read = eager().read(FILE, 0, 10);
      inner.<byte[]>last().complete(new byte[10]);
      read.join();
    }
    CompletableFuture<byte[]> hanging = eager().read(FILE, 0, 10);
    time.advanceMillis(400);
    inner.<byte[]>last().complete(new byte[10]);
    hanging.join();
    assertEquals(51, meter.snapshot().hedges());
  }

  @Test
  void nothingIsWrittenBeside() {
    CompletableFuture<LtxFile> create = eager().createIfAbsent(NAME, Path.of("x"), Instant.EPOCH);
    time.advanceMillis(29_000);
    assertEquals(1, inner.count());
    assertFalse(create.isDone());
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

  private static <F extends Exception> F failure(Class<F> type, CompletableFuture<?> future) {
    assertTrue(future.isDone(), "still under way");
    CompletionException e = assertThrows(CompletionException.class, future::join);
    return assertInstanceOf(type, e.getCause());
  }
}
