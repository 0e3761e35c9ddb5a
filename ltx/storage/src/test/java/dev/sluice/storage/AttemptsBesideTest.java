package dev.sluice.storage;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.Test;

/** Attempts that are made beside one that has not answered yet. */
class AttemptsBesideTest extends RetriedCallFixture {
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
}
