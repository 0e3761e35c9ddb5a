package dev.sluice.storage;

import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.LongAdder;

/**
 * Counts the requests of one replica's client.
 *
 * <p>A <em>round</em> is a set of requests of which none needed the answer of another, so rounds
 * times latency is what a caller waits at least. Only the caller knows what depends on what: it
 * says {@link #beginRound} before each set. A round counts when its first request is made.
 *
 * <p>Calls of a {@link ReplicaClient} are counted, and some take several requests, one after the
 * other: an S3 listing one for each 1,000 names of a level, a tail of an empty file two, a large
 * file written in parts one for each part and two more. With such, there are more requests and
 * rounds than these numbers say. Thread-safe.
 */
public final class RequestMeter {
  private final LongAdder lists = new LongAdder();
  private final LongAdder gets = new LongAdder();
  private final LongAdder heads = new LongAdder();
  private final LongAdder puts = new LongAdder();
  private final LongAdder deletes = new LongAdder();
  private final LongAdder bytes = new LongAdder();
  private final LongAdder rounds = new LongAdder();
  private final LongAdder hedges = new LongAdder();
  private final LongAdder wasteBytes = new LongAdder();
  private final LongAdder sentBytes = new LongAdder();
  private final LongAdder failures = new LongAdder();
  private final AtomicBoolean isNewRound = new AtomicBoolean(true);

  /**
   * What was counted so far.
   *
   * @param lists listings of a level asked for
   * @param gets reads, tails and streams
   * @param heads requests for metadata alone
   * @param puts files stored
   * @param deletes groups of files deleted
   * @param bytes bytes of files received
   * @param rounds see {@link RequestMeter}
   * @param hedges requests made again because the first was slow
   * @param wasteBytes bytes received and thrown away
   * @param sentBytes bytes of files stored
   * @param failures requests that failed, but for those whose file was not there
   */
  public record Snapshot(
      long lists,
      long gets,
      long heads,
      long puts,
      long deletes,
      long bytes,
      long rounds,
      long hedges,
      long wasteBytes,
      long sentBytes,
      long failures) {

    /** Returns the counts of two clients. */
    public Snapshot plus(Snapshot other) {
      return new Snapshot(
          lists + other.lists,
          gets + other.gets,
          heads + other.heads,
          puts + other.puts,
          deletes + other.deletes,
          bytes + other.bytes,
          rounds + other.rounds,
          hedges + other.hedges,
          wasteBytes + other.wasteBytes,
          sentBytes + other.sentBytes,
          failures + other.failures);
    }
  }

  /** Says that the next request needs the answer of an earlier one. */
  public void beginRound() {
    isNewRound.set(true);
  }

  void countList() {
    count(lists);
  }

  void countGet() {
    count(gets);
  }

  void countPut() {
    count(puts);
  }

  void countDelete() {
    count(deletes);
  }

  /** Counts a request for metadata alone. */
  public void countHead() {
    count(heads);
  }

  private void count(LongAdder kind) {
    kind.increment();
    if (isNewRound.compareAndSet(true, false)) {
      rounds.increment();
    }
  }

  void addSentBytes(long count) {
    sentBytes.add(count);
  }

  void countFailure() {
    failures.increment();
  }

  void addBytes(long count) {
    bytes.add(count);
  }

  /** Counts a request that was made beside one that was slow. */
  public void countHedge() {
    hedges.increment();
  }

  /** Counts bytes that were received and then used by nobody. */
  public void addWasteBytes(long count) {
    wasteBytes.add(count);
  }

  /** Returns the counts; while requests are made they need not be of one instant. */
  public Snapshot snapshot() {
    return new Snapshot(
        lists.sum(),
        gets.sum(),
        heads.sum(),
        puts.sum(),
        deletes.sum(),
        bytes.sum(),
        rounds.sum(),
        hedges.sum(),
        wasteBytes.sum(),
        sentBytes.sum(),
        failures.sum());
  }
}
