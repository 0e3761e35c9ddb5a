package dev.sluice.cache;

import dev.sluice.ltx.LtxFormatException;
import dev.sluice.storage.LtxFile;
import java.time.Duration;
import java.util.Collection;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.LongSupplier;
import java.util.function.Predicate;

/**
 * Files that broke a rule of the format when they were read. Each is done without for a while, a
 * second if nobody says otherwise, and for twice as long after each further time up to a limit, 30
 * seconds: what was damaged on its way is whole when it is read again. Confined to one thread at a
 * time.
 */
final class MalformedFiles {
  private static final Duration FIRST_PAUSE = Duration.ofSeconds(1);
  private static final Duration LAST_PAUSE = Duration.ofSeconds(30);

  private record Malformed(LtxFormatException reason, long foundNanos, Duration pause) {}

  private final LongSupplier ticker;
  private final Duration firstPause;
  private final Duration lastPause;
  private final Map<LtxFile, Malformed> files = new HashMap<>();

  MalformedFiles(LongSupplier ticker) {
    this(ticker, FIRST_PAUSE, LAST_PAUSE);
  }

  MalformedFiles(LongSupplier ticker, Duration firstPause, Duration lastPause) {
    this.ticker = ticker;
    this.firstPause = firstPause;
    this.lastPause = lastPause;
  }

  void add(LtxFile file, LtxFormatException reason) {
    Optional<Duration> last = Optional.ofNullable(files.get(file)).map(Malformed::pause);
    Duration next = last.map(pause -> pause.multipliedBy(2)).orElse(firstPause);
    Duration pause = next.compareTo(lastPause) < 0 ? next : lastPause;
    files.put(file, new Malformed(reason, ticker.getAsLong(), pause));
  }

  /** Returns those to do without now. */
  Set<LtxFile> unusable() {
    long now = ticker.getAsLong();
    Set<LtxFile> unusable = new HashSet<>();
    files.forEach(
        (file, malformed) -> {
          if (now - malformed.foundNanos() < malformed.pause().toNanos()) {
            unusable.add(file);
          }
        });
    return unusable;
  }

  /** Forgets those that are not there any more. */
  void retain(Collection<LtxFile> listed) {
    files.keySet().retainAll(Set.copyOf(listed));
  }

  /** Forgets those that could be read. */
  void remove(Collection<LtxFile> read) {
    files.keySet().removeAll(Set.copyOf(read));
  }

  /** Returns what is wrong with one of those that match. */
  Optional<LtxFormatException> reason(Predicate<LtxFile> matching) {
    return files.entrySet().stream()
        .filter(entry -> matching.test(entry.getKey()))
        .map(entry -> entry.getValue().reason())
        .findFirst();
  }
}
