package dev.sluice.replicator;

import java.io.IOException;
import java.nio.file.Path;
import java.util.EnumMap;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Tells a person what a database's replication is in trouble with, however often it is tried: once,
 * again when it is another {@link Trouble.Kind}, and once when it is over. What is told is counted.
 * Confined to the database's step.
 */
final class TroubleLog {
  private static final Logger log = LoggerFactory.getLogger(TroubleLog.class);

  /** Of a kind that comes and goes while another one stays. */
  private static final long AGAIN_NANOS = TimeUnit.MINUTES.toNanos(1);

  private final Path database;
  private final Counters counters;
  private final Map<Part, Stretch> stretches = new EnumMap<>(Part.class);

  /** What may be in trouble by itself. */
  enum Part {
    /** That it is opened and captured. */
    CAPTURE,
    UPLOADS,
    LEVELS
  }

  /** From when a part is in trouble until that is over: what it is now, and what was told when. */
  private record Stretch(Trouble.Kind kind, Map<Trouble.Kind, Long> toldNanos) {}

  TroubleLog(Path database, Counters counters) {
    this.database = database;
    this.counters = counters;
  }

  /** Takes note of what a part is in trouble with. */
  void has(Part part, Trouble trouble, long nowNanos) {
    Trouble.Kind kind = trouble.kind();
    Optional<Stretch> before = Optional.ofNullable(stretches.get(part));
    if (before.filter(it -> it.kind().equals(kind)).isPresent()) {
      return;
    }
    Map<Trouble.Kind, Long> told = before.map(Stretch::toldNanos).orElseGet(HashMap::new);
    stretches.put(part, new Stretch(kind, told));
    Optional<Long> lastNanos = Optional.ofNullable(told.get(kind));
    if (lastNanos.isEmpty() || nowNanos - lastNanos.get() >= AGAIN_NANOS) {
      told.put(kind, nowNanos);
      counters.troubled();
      tell(part, trouble);
    }
  }

  private void tell(Part part, Trouble trouble) {
    if (!(trouble.failure() instanceof IOException)) {
      log.error("replicate {}", database, trouble.failure());
      return;
    }
    switch (part) {
      case CAPTURE -> log.warn("{}", trouble.text()); // which names the database
      case UPLOADS -> log.warn("{} waits: {}", database, trouble.text());
      case LEVELS -> log.warn("{}: keep its replica's levels: {}", database, trouble.text());
    }
  }

  /** Takes note of that a part goes well. */
  void isOver(Part part) {
    if (stretches.remove(part) == null) {
      return;
    }
    switch (part) {
      case CAPTURE -> log.info("{} is captured again", database);
      case UPLOADS -> log.info("{} goes on", database);
      case LEVELS -> log.info("{}: its replica's levels are kept again", database);
    }
  }
}
