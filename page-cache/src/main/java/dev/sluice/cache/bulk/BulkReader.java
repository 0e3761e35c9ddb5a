package dev.sluice.cache.bulk;

import dev.sluice.ltx.LtxFormatException;
import dev.sluice.storage.LtxFile;
import dev.sluice.storage.ReplicaClient;
import dev.sluice.storage.ReplicaException;
import dev.sluice.storage.RequestMeter;
import dev.sluice.storage.Retries;
import java.io.IOException;
import java.io.InterruptedIOException;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CountDownLatch;
import java.util.function.LongSupplier;

/**
 * Reads whole files, many ranges of frames at once, and verifies each as a whole: every rule of the
 * format, the index against the frames, the file checksum, and a snapshot's database checksum where
 * it has one. It is as strict as {@code LtxDecoder}, and what bounds it is the storage or the sink.
 *
 * <p>One thread, the caller's, decides everything: it makes requests while there is room for their
 * bytes, and hears of answers and of what was decoded through one queue. Threads of its own decode,
 * take the CRCs and call the sink. So nothing here is under a lock, and an end for whatever reason
 * is one place: requests are cancelled, and the threads have ended when {@link #read} returns.
 *
 * <pre>
 *   file up to a quarter of a request:  whole ------------------+-> begin -> decode -> prove
 *   larger:   first 100 bytes, index and trailer -> parse -> begin -> ranges -> decode -> prove
 * </pre>
 *
 * <p>What breaks off goes on where it broke, in smaller pieces. Confined to one thread at a time.
 */
public final class BulkReader {
  private final ReplicaClient client;
  private final RequestMeter meter;
  private final Retries retries;
  private final Setup setup;
  private Optional<LtxFile> failed = Optional.empty();

  /**
   * What surrounds a reading.
   *
   * @param threadName of the threads that decode: a dash and a number follow
   * @param threads how many there are
   * @param stallLimit how long in all to wait for the storage without any new byte
   * @param ticker nanoseconds that never go back, for that
   * @param closing opens when nobody wants the pages any more
   */
  public record Setup(
      String threadName,
      int threads,
      Duration stallLimit,
      LongSupplier ticker,
      CountDownLatch closing,
      Limits limits,
      Pace pace,
      KnownEnds known) {

    /** Returns what suits a reading that somebody waits for: a thread for each processor. */
    public static Setup of(String threadName, Duration stallLimit) {
      return new Setup(
          threadName,
          Runtime.getRuntime().availableProcessors(),
          stallLimit,
          System::nanoTime,
          new CountDownLatch(1),
          Limits.standard(),
          Pace.unlimited(),
          KnownEnds.none());
    }

    public Setup withThreads(int other) {
      return new Setup(threadName, other, stallLimit, ticker, closing, limits, pace, known);
    }

    public Setup withTicker(LongSupplier other) {
      return new Setup(threadName, threads, stallLimit, other, closing, limits, pace, known);
    }

    public Setup withClosing(CountDownLatch other) {
      return new Setup(threadName, threads, stallLimit, ticker, other, limits, pace, known);
    }

    public Setup withLimits(Limits other) {
      return new Setup(threadName, threads, stallLimit, ticker, closing, other, pace, known);
    }

    public Setup withPace(Pace other) {
      return new Setup(threadName, threads, stallLimit, ticker, closing, limits, other, known);
    }

    public Setup withKnown(KnownEnds other) {
      return new Setup(threadName, threads, stallLimit, ticker, closing, limits, pace, other);
    }
  }

  /**
   * Takes what readings have in common.
   *
   * @param client makes one attempt for each call; not closed here
   * @param meter is told of rounds
   * @param retries how often within a while; their scheduler is not closed here
   */
  public BulkReader(ReplicaClient client, RequestMeter meter, Retries retries, Setup setup) {
    this.client = client;
    this.meter = meter;
    this.retries = retries;
    this.setup = setup;
  }

  /**
   * Reads files, which are begun in this order; what is asked for first is what stands first.
   *
   * @throws LtxFormatException if a file is malformed
   * @throws ReplicaException if the storage refuses, if it brings nothing new for the stall limit,
   *     or if it is closing
   * @throws InterruptedIOException if this thread was interrupted, which it still is then
   * @throws IOException what the sink throws, unchanged
   */
  public void read(List<LtxFile> files, PageSink sink) throws IOException {
    failed = Optional.empty();
    Requests requests = new Requests(client, meter, retries, setup);
    Reading reading = new Reading(files, sink, requests, setup);
    try {
      reading.run();
    } finally {
      failed = reading.failed();
    }
  }

  /** Returns the file because of which the last reading failed, if it was because of one. */
  public Optional<LtxFile> failed() {
    return failed;
  }
}
