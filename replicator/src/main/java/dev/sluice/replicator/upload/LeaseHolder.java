package dev.sluice.replicator.upload;

import dev.sluice.storage.ReplicaClient;
import dev.sluice.storage.ReplicaException;
import dev.sluice.storage.SideObject;
import java.io.IOException;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.Optional;
import java.util.function.LongSupplier;

/**
 * The right of one process to write to a replica, as far as others ask for it too: a lease in
 * {@code lock.json} beside the levels, which Litestream's own leaser understands and respects.
 *
 * <p>It is written on condition of the version that was read, so of two who want an expired lease
 * one gets it. It holds for a time; after two thirds of which {@link #require} renews it. A holder
 * that was away for longer, asleep or cut off, finds out before it writes, by its own clock, by a
 * ticker that goes on when the clock is set back, or because the lease has another version: the
 * clocks of writers must not differ by as much as a third of that time. What is given back expires
 * at once and keeps its generation, so that generations never go back.
 *
 * <p>It does not replace writing on condition, which finds a second writer that asks for no lease.
 * Changes under its lock; thread-safe, and whoever calls waits for the storage.
 */
public final class LeaseHolder {

  /** Beside the levels of a replica. */
  public static final String NAME = "lock.json";

  /** How long Litestream's leases hold. */
  public static final Duration STANDARD_TIME = Duration.ofSeconds(30);

  private final ReplicaClient client;
  private final CallLimit limit;
  private final InstantSource clock;
  private final LongSupplier ticker;
  private final Terms terms;

  /** Changes under the lock of this object, which is held over requests; read without it. */
  private volatile Optional<Held> held = Optional.empty();

  private boolean isReleased;

  /**
   * How a lease is held.
   *
   * @param owner who is named to others: printable ASCII, and the name of nobody else
   */
  public record Terms(Duration time, String owner) {}

  /**
   * A lease of ours.
   *
   * @param version of the object that says so
   * @param sinceNanos when its writing began, by the ticker
   */
  private record Held(Lease lease, String version, long sinceNanos) {}

  /** Another process holds the lease. */
  public static final class HeldByOtherException extends IOException {
    private static final long serialVersionUID = 1L;

    private final transient Optional<Lease> lease;

    HeldByOtherException(String location, Optional<Lease> lease) {
      super(
          location
              + ": "
              + lease
                  .map(
                      other ->
                          "the lease is held by "
                              + (other.owner().isEmpty() ? "somebody else" : other.owner())
                              + " until "
                              + other.expiresAt())
                  .orElse("the lease was taken by somebody else"));
      this.lease = lease;
    }

    /** Returns the other's lease, if it is known: when to try again. */
    public Optional<Lease> lease() {
      return lease;
    }
  }

  /**
   * @param ticker nanoseconds that nobody sets, as {@link System#nanoTime}
   */
  public LeaseHolder(
      ReplicaClient client,
      CallLimit limit,
      InstantSource clock,
      LongSupplier ticker,
      Terms terms) {
    this.client = client;
    this.limit = limit;
    this.clock = clock;
    this.ticker = ticker;
    this.terms = terms;
  }

  /**
   * Makes sure that the lease is ours, and will be for at least a third of its time: to be called
   * before each write. Makes no request while more than that is left.
   *
   * @return the generation under which we write
   * @throws HeldByOtherException if it is somebody else's: nothing may be written
   * @throws ReplicaException if the storage does not answer
   */
  public synchronized long require() throws IOException {
    if (isReleased) {
      throw new ReplicaException.Unavailable(place() + ": the lease was given back");
    }
    Instant now = clock.instant();
    if (held.isPresent() && !isOver(held.get())) {
      renewIfDue(now);
    } else {
      // One that expired may have had another holder meanwhile.
      held = Optional.empty();
      acquire(now);
    }
    Held mine = held.orElseThrow();
    if (isOver(mine)) {
      throw new ReplicaException.Unavailable(
          place() + ": the storage took longer to answer than the lease holds");
    }
    return mine.lease().generation();
  }

  /** Tries twice: what is there may be ours, as an attempt without an answer has left it. */
  private void renewIfDue(Instant now) throws IOException {
    for (int attempt = 0; attempt < 2; attempt++) {
      Held mine = held.orElseThrow();
      if (!untilRenewal(mine).isNegative()) {
        return;
      }
      write(lease(mine.lease().generation(), now), Optional.of(mine.version()));
    }
  }

  private boolean isOver(Held mine) {
    return mine.lease().isExpired(clock.instant()) || age(mine).compareTo(terms.time()) >= 0;
  }

  private Duration age(Held mine) {
    return Duration.ofNanos(ticker.getAsLong() - mine.sinceNanos());
  }

  /** By the clock or by the ticker, whichever is sooner. */
  private Duration untilRenewal(Held mine) {
    Duration spare = terms.time().dividedBy(3);
    Duration byClock = Duration.between(clock.instant(), mine.lease().expiresAt()).minus(spare);
    Duration byTicker = terms.time().minus(spare).minus(age(mine));
    return byClock.compareTo(byTicker) < 0 ? byClock : byTicker;
  }

  /**
   * Returns how long {@link #require} need not be called if nothing is to be written; negative if
   * it is late. Waits for nobody.
   */
  public Optional<Duration> untilRenewal() {
    return held.map(this::untilRenewal);
  }

  private void acquire(Instant now) throws IOException {
    String what = "read " + place();
    Optional<SideObject> object = limit.await(client.objects().read(NAME), what);
    Optional<Lease> other = object.flatMap(is -> Lease.decode(is.content()));
    if (object.isPresent() && other.isEmpty()) {
      throw new ReplicaException.Denied(place() + " is no lease: whoever wrote it must remove it");
    }
    if (other.filter(lease -> !lease.isExpired(now)).isPresent()) {
      if (!isOurs(other.orElseThrow())) {
        throw new HeldByOtherException(place(), other);
      }
      held = Optional.of(found(other.orElseThrow(), object.orElseThrow()));
      renewIfDue(now);
      return;
    }
    long generation = other.map(Lease::generation).orElse(0L) + 1;
    write(lease(generation, now), object.map(SideObject::version));
  }

  /** Nobody knows when it was written: so long ago that it is renewed at once. */
  private Held found(Lease lease, SideObject object) {
    return new Held(lease, object.version(), ticker.getAsLong() - terms.time().toNanos());
  }

  private Lease lease(long generation, Instant now) {
    return new Lease(generation, now.plus(terms.time()), terms.owner());
  }

  private void write(Lease lease, Optional<String> before) throws IOException {
    byte[] content = lease.encode();
    String what = "write " + place();
    long sinceNanos = ticker.getAsLong();
    try {
      String version =
          limit.awaitWrite(
              before.isPresent()
                  ? client.objects().replace(NAME, content, before.get())
                  : client.objects().create(NAME, content),
              what);
      held = Optional.of(new Held(lease, version, sinceNanos));
    } catch (ReplicaException.Conflict | ReplicaException.OutcomeUnknown e) {
      settle(lease, sinceNanos, e);
    }
  }

  /** Looks whose lease it is after a write that may have succeeded, as one before it may have. */
  private void settle(Lease lease, long sinceNanos, ReplicaException failure) throws IOException {
    Optional<SideObject> object = limit.await(client.objects().read(NAME), "read " + place());
    Optional<Lease> there = object.flatMap(is -> Lease.decode(is.content()));
    boolean isOurs = there.filter(this::isOurs).isPresent();
    if (there.equals(Optional.of(lease))) {
      held = Optional.of(new Held(lease, object.orElseThrow().version(), sinceNanos));
    } else if (isOurs) {
      held = Optional.of(found(there.orElseThrow(), object.orElseThrow()));
    }
    if (failure instanceof ReplicaException.OutcomeUnknown && !there.equals(Optional.of(lease))) {
      throw failure;
    }
    if (!isOurs) {
      held = Optional.empty();
      throw new HeldByOtherException(place(), there);
    }
  }

  /** Returns whether a lease is one that we have written: nobody else has our name. */
  private boolean isOurs(Lease lease) {
    return !lease.owner().isEmpty() && lease.owner().equals(terms.owner());
  }

  /** Gives the lease back, if it is ours; it is not taken again. */
  public synchronized void release() throws IOException {
    isReleased = true;
    Optional<Held> mine = held;
    held = Optional.empty();
    if (mine.isPresent()) {
      Lease ended =
          new Lease(mine.get().lease().generation(), clock.instant().minusMillis(1), terms.owner());
      try {
        String unused =
            limit.awaitWrite(
                client.objects().replace(NAME, ended.encode(), mine.get().version()),
                "write " + place());
      } catch (ReplicaException.Conflict e) {
        // It is somebody else's already.
      }
    }
  }

  private String place() {
    return client.location() + "/" + NAME;
  }
}
