package dev.sluice.cache.bulk;

import dev.sluice.ltx.LtxFormatException;
import dev.sluice.storage.Deadline;
import dev.sluice.storage.LtxFile;
import dev.sluice.storage.ReplicaClient;
import dev.sluice.storage.ReplicaException;
import dev.sluice.storage.RequestMeter;
import dev.sluice.storage.Retries;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * The requests of one reading, and what it hears. Confined to the reading thread, but for {@link
 * #tell}.
 */
final class Requests {
  private static final long PAUSE_NANOS = TimeUnit.MILLISECONDS.toNanos(200);

  /** Less time than that is not worth a try of its own. */
  private static final Duration TRY_MIN = Duration.ofSeconds(1);

  private final ReplicaClient client;
  private final RequestMeter meter;
  private final Retries retries;
  private final Window window;
  private final Patience patience;
  private final LinkedBlockingQueue<Event> events = new LinkedBlockingQueue<>();

  /** The one request that each fetch has. */
  private final Map<Fetch, CompletableFuture<byte[]>> underWay = new HashMap<>();

  private final ArrayDeque<Paused> paused = new ArrayDeque<>();
  private final BulkReader.Setup setup;

  /** The first failure since something new came: it was tried for the longest. */
  private Optional<ReplicaException> trouble = Optional.empty();

  private Optional<LtxFile> failed = Optional.empty();

  /** A fetch that goes on after a while. */
  private record Paused(Fetch fetch, long sinceNanos) {}

  Requests(ReplicaClient client, RequestMeter meter, Retries retries, BulkReader.Setup setup) {
    this.client = client;
    this.meter = meter;
    this.retries = retries;
    this.setup = setup;
    this.window = new Window(setup.limits());
    this.patience = new Patience(setup.stallLimit(), setup.ticker());
  }

  Window window() {
    return window;
  }

  Patience patience() {
    return patience;
  }

  /** Returns how the replica is named in messages. */
  String location() {
    return client.location();
  }

  /** Returns how a file is named in messages. */
  String nameOf(LtxFile file) {
    return client.location(file.name());
  }

  /** Puts something into the queue. Any thread may call. */
  void tell(Event event) {
    events.add(event);
  }

  /** Returns what is to be heard next, empty after a while without. */
  Optional<Event> next(long waitNanos) throws InterruptedException {
    return Optional.ofNullable(events.poll(waitNanos, TimeUnit.NANOSECONDS));
  }

  /** Returns whether anything is under way, or will be after a pause. */
  boolean isActive() {
    return !underWay.isEmpty() || !paused.isEmpty();
  }

  /** Says that the next request needs the answer of an earlier one. */
  void beginRound() {
    meter.beginRound();
  }

  /** Requests what a fetch still lacks. */
  void begin(Fetch fetch) {
    int length = fetch.pieceBytes(window.requestBytes());
    long begunNanos = System.nanoTime();
    CompletableFuture<byte[]> request =
        retries.until(deadline(), client).read(fetch.file(), fetch.pieceOffset(), length);
    underWay.put(fetch, request);
    window.requested();
    CompletableFuture<byte[]> unused =
        request.whenComplete(
            (bytes, failure) -> {
              long nanos = System.nanoTime() - begunNanos;
              tell(
                  () -> {
                    underWay.remove(fetch);
                    if (failure == null) {
                      answered(fetch, bytes, nanos);
                    } else {
                      broke(fetch, length, failure);
                    }
                  });
            });
  }

  /** Half of the time there is: what fails for good leaves some for smaller pieces. */
  private Deadline deadline() {
    Duration left = patience.left();
    Duration half = left.dividedBy(2);
    Duration least = left.compareTo(TRY_MIN) < 0 ? left : TRY_MIN;
    return Deadline.after(half.compareTo(least) < 0 ? least : half, setup.ticker());
  }

  private void answered(Fetch fetch, byte[] bytes, long nanos) throws IOException {
    window.answered(bytes.length, nanos);
    patience.renew();
    trouble = Optional.empty();
    try {
      fetch.take(bytes);
    } catch (LtxFormatException e) {
      failed = Optional.of(fetch.file());
      throw e;
    }
    if (!fetch.isDone()) {
      begin(fetch);
    }
  }

  private void broke(Fetch fetch, int pieceBytes, Throwable failure) throws IOException {
    window.failed();
    if (!(unwrap(failure) instanceof ReplicaException.Unavailable unavailable)) {
      failed = Optional.of(fetch.file());
      throw failureOf(fetch, unwrap(failure));
    }
    trouble = Optional.of(trouble.orElse(unavailable));
    fetch.breakInto(Math.min(window.requestBytes(), Math.max(1, pieceBytes / 2)));
    requirePatience();
    paused.add(new Paused(fetch, System.nanoTime()));
  }

  private static Throwable unwrap(Throwable failure) {
    Throwable cause = failure.getCause();
    return failure instanceof CompletionException && cause != null ? cause : failure;
  }

  private IOException failureOf(Fetch fetch, @Nullable Throwable cause) {
    if (cause instanceof IOException failure) {
      return failure;
    } else if (cause instanceof CancellationException) {
      return new ReplicaException.Unavailable(
          "read " + nameOf(fetch.file()) + ": closed meanwhile", cause);
    } else if (cause instanceof RuntimeException bug) {
      throw bug;
    } else if (cause instanceof Error error) {
      throw error;
    }
    throw new IllegalStateException(cause);
  }

  /** Has go on what has paused long enough. */
  void resume() {
    while (!paused.isEmpty() && System.nanoTime() - paused.element().sinceNanos() >= PAUSE_NANOS) {
      begin(paused.remove().fetch());
    }
  }

  /**
   * Throws if nothing has come for too long.
   *
   * @throws ReplicaException.Unavailable what was wrong, if the storage said so
   */
  void requirePatience() throws ReplicaException {
    if (isActive() && patience.isOver()) {
      throw trouble.orElseGet(
          () ->
              new ReplicaException.Unavailable(
                  "read " + location() + ": nothing came for " + setup.stallLimit()));
    }
  }

  /** Returns the file that the storage refused, or that was malformed. */
  Optional<LtxFile> failed() {
    return failed;
  }

  /** Breaks off all that is under way. */
  void cancel() {
    underWay.values().forEach(request -> request.cancel(true));
  }
}
