package dev.sluice.replicator.upload;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sluice.storage.ForwardingReplicaClient;
import dev.sluice.storage.MeteringReplicaClient;
import dev.sluice.storage.ReplicaClient;
import dev.sluice.storage.ReplicaException;
import dev.sluice.storage.RequestMeter;
import dev.sluice.storage.SideObject;
import dev.sluice.storage.SideObjects;
import dev.sluice.storage.history.MemoryReplica;
import java.io.IOException;
import java.time.Duration;
import java.time.Instant;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.function.Supplier;
import org.junit.jupiter.api.Test;

class LeaseHolderTest {
  private final MemoryReplica replica = new MemoryReplica("mem:replica");
  private final RequestMeter meter = new RequestMeter();
  private Instant now = Instant.parse("2026-11-01T10:00:00Z");
  private long ticks;

  private LeaseHolder holder(ReplicaClient client, String owner) {
    return new LeaseHolder(
        client,
        new CallLimit(Duration.ofSeconds(20)),
        () -> now,
        () -> Duration.ofSeconds(ticks).toNanos(),
        new LeaseHolder.Terms(LeaseHolder.STANDARD_TIME, owner));
  }

  private LeaseHolder holder(String owner) {
    return holder(new MeteringReplicaClient(replica.open(), meter), owner);
  }

  /** Returns a holder whose storage is the replica's but for its objects. */
  private LeaseHolder holder(SideObjects objects) {
    return holder(
        new ForwardingReplicaClient(replica.open()) {
          @Override
          public SideObjects objects() {
            return objects;
          }
        },
        "host:1");
  }

  private void seconds(int count) {
    setClock(count);
    ticks += count;
  }

  private void setClock(int seconds) {
    now = now.plusSeconds(seconds);
  }

  private String stored() {
    return new String(
        replica.objects().read(LeaseHolder.NAME).join().orElseThrow().content(), UTF_8);
  }

  private void store(String text) {
    replica.objects().create(LeaseHolder.NAME, text.getBytes(UTF_8)).join();
  }

  @Test
  void leaseIsWrittenAsLitestreamDoes() throws IOException {
    assertEquals(1, holder("host:1").require());
    assertEquals(
        "{\"generation\":1,\"expires_at\":\"2026-11-01T10:00:30Z\",\"owner\":\"host:1\"}",
        stored());
  }

  @Test
  void leaseOfLitestreamIsRespectedUntilItExpires() throws IOException {
    store(
        "{\"generation\":41,\"expires_at\":\"2026-11-01T12:00:10.123456789+02:00\","
            + "\"owner\":\"other:77\"}\n");
    LeaseHolder ours = holder("host:1");
    LeaseHolder.HeldByOtherException e =
        assertThrows(LeaseHolder.HeldByOtherException.class, ours::require);
    assertTrue(String.valueOf(e.getMessage()).contains("other:77"), e.getMessage());
    assertEquals(
        Instant.parse("2026-11-01T10:00:10.123456789Z"), e.lease().orElseThrow().expiresAt());
    seconds(11);
    assertEquals(42, ours.require());
  }

  @Test
  void leaseIsRenewedAfterTwoThirdsOfItsTimeAndNotBefore() throws IOException {
    LeaseHolder holder = holder("host:1");
    holder.require();
    assertEquals(Optional.of(Duration.ofSeconds(20)), holder.untilRenewal());
    long puts = meter.snapshot().puts();
    seconds(20);
    holder.require();
    assertEquals(puts, meter.snapshot().puts());
    seconds(1);
    assertEquals(1, holder.require());
    assertEquals(puts + 1, meter.snapshot().puts());
    assertTrue(stored().contains("10:00:51Z"), stored());
  }

  @Test
  void leaseIsNoLongerOneForAClockThatIsSetBack() throws IOException {
    LeaseHolder first = holder("host:1");
    first.require();
    setClock(-3_600);
    long puts = meter.snapshot().puts();
    seconds(21);
    assertEquals(Optional.of(Duration.ofSeconds(-1)), first.untilRenewal());
    assertEquals(1, first.require());
    assertEquals(puts + 1, meter.snapshot().puts());
    assertTrue(stored().contains("09:00:51Z"), stored());

    Instant wrong = now;
    seconds(31);
    now = now.plusSeconds(3_600); // the others' is right
    assertEquals(2, holder("host:2").require());
    now = wrong;
    assertThrows(LeaseHolder.HeldByOtherException.class, first::require, "and it looks");
  }

  @Test
  void holderThatSleptIsFencedOff() throws IOException {
    LeaseHolder first = holder("host:1");
    first.require();
    seconds(31);
    LeaseHolder second = holder("host:2");
    assertEquals(2, second.require());
    assertThrows(LeaseHolder.HeldByOtherException.class, first::require);
    seconds(25);
    assertEquals(2, second.require());
  }

  @Test
  void holderWhoseClockIsSlowIsFencedOffByTheVersion() throws IOException {
    Instant begun = now;
    LeaseHolder slow = holder("host:1");
    slow.require();
    seconds(31);
    assertEquals(2, holder("host:2").require());
    now = begun.plusSeconds(21);
    LeaseHolder.HeldByOtherException e =
        assertThrows(LeaseHolder.HeldByOtherException.class, slow::require);
    assertTrue(String.valueOf(e.getMessage()).contains("host:2"), e.getMessage());
  }

  @Test
  void leaseThatIsGivenBackIsFreeAndKeepsItsGeneration() throws IOException {
    LeaseHolder first = holder("host:1");
    first.require();
    first.release();
    assertEquals(2, holder("host:2").require());
    first.release();
    assertTrue(stored().contains("host:2"), stored());
  }

  @Test
  void writeWithoutAnswerIsTakenForOursIfItIsThere() throws IOException {
    LeaseHolder holder = holder(new LosingObjects(replica.objects()));
    assertEquals(1, holder.require());
    seconds(25);
    assertEquals(1, holder.require());
    assertTrue(stored().contains("10:00:55Z"), stored());
  }

  @Test
  void renewalThatLandsLateIsNoOtherHolders() throws IOException {
    LateObjects late = new LateObjects(replica.objects());
    LeaseHolder holder = holder(late);
    holder.require();
    seconds(21);
    requireLate(late, holder);
    assertTrue(stored().contains("10:00:52Z"), "nobody knows how old it was: " + stored());
    seconds(21);
    assertEquals(1, holder.require());
    assertTrue(stored().contains("10:01:13Z"), stored());
  }

  @Test
  void leaseThatIsTakenLateIsNoOtherHolders() throws IOException {
    LateObjects late = new LateObjects(replica.objects());
    LeaseHolder holder = holder(late);
    requireLate(late, holder);
    seconds(24);
    assertEquals(1, holder.require());
    assertTrue(stored().contains("10:00:55Z"), stored());
  }

  /** Asks for a lease whose write lands later than the holder waits, and once more. */
  private void requireLate(LateObjects late, LeaseHolder holder) throws IOException {
    late.isLate = true;
    assertThrows(ReplicaException.OutcomeUnknown.class, holder::require);
    late.land();
    seconds(1);
    assertEquals(1, holder.require());
  }

  /** Says of the next write that nobody knows, and writes when it is told. */
  private static final class LateObjects implements SideObjects {
    private final SideObjects inner;
    private Optional<Supplier<CompletableFuture<String>>> write = Optional.empty();
    private boolean isLate;

    LateObjects(SideObjects inner) {
      this.inner = inner;
    }

    void land() {
      isLate = false;
      String unused = write.orElseThrow().get().join();
    }

    private CompletableFuture<String> write(Supplier<CompletableFuture<String>> now) {
      write = Optional.of(now);
      return isLate
          ? CompletableFuture.failedFuture(new ReplicaException.OutcomeUnknown("late"))
          : now.get();
    }

    @Override
    public CompletableFuture<Optional<SideObject>> read(String name) {
      return inner.read(name);
    }

    @Override
    public CompletableFuture<String> create(String name, byte[] content) {
      return write(() -> inner.create(name, content));
    }

    @Override
    public CompletableFuture<String> replace(String name, byte[] content, String version) {
      return write(() -> inner.replace(name, content, version));
    }

    @Override
    public CompletableFuture<Void> delete(String name) {
      return inner.delete(name);
    }
  }

  /** Writes, and never says so. */
  private record LosingObjects(SideObjects inner) implements SideObjects {
    @Override
    public CompletableFuture<Optional<SideObject>> read(String name) {
      return inner.read(name);
    }

    @Override
    public CompletableFuture<String> create(String name, byte[] content) {
      String unused = inner.create(name, content).join();
      return CompletableFuture.failedFuture(new ReplicaException.OutcomeUnknown("lost"));
    }

    @Override
    public CompletableFuture<String> replace(String name, byte[] content, String version) {
      String unused = inner.replace(name, content, version).join();
      return CompletableFuture.failedFuture(new ReplicaException.OutcomeUnknown("lost"));
    }

    @Override
    public CompletableFuture<Void> delete(String name) {
      return inner.delete(name);
    }
  }

  @Test
  void objectThatIsNoLeaseIsLeftAlone() {
    store("{\"hello\":1}");
    assertThrows(ReplicaException.Denied.class, holder("host:1")::require);
    assertEquals("{\"hello\":1}", stored());
  }

  @Test
  void nothingIsWrittenToAReplicaWhoseLeaseIsHeldByAnother() throws IOException {
    holder("host:2").require();
    ReplicaWriter writer =
        new ReplicaWriter(
            replica.open(),
            new CallLimit(Duration.ofSeconds(20)),
            WriteGuard.lease(holder("host:1")));
    assertThrows(LeaseHolder.HeldByOtherException.class, () -> writer.delete(java.util.List.of()));
  }
}
