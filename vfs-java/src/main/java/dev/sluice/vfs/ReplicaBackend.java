package dev.sluice.vfs;

import dev.sluice.cache.Patience;
import dev.sluice.cache.Replica;
import dev.sluice.cache.ReplicaListener;
import dev.sluice.cache.ReplicaOptions;
import dev.sluice.cache.Replicas;
import dev.sluice.cache.StoreOptions;
import dev.sluice.cache.View;
import dev.sluice.cache.ViewException;
import dev.sluice.ltx.Txid;
import dev.sluice.storage.Deadline;
import dev.sluice.storage.Environment;
import dev.sluice.storage.ReplicaUrl;
import dev.sluice.storage.Target;
import dev.sluice.storage.text.Durations;
import dev.sluice.storage.text.Sizes;
import dev.sluice.storage.text.Times;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentMap;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.BiFunction;
import java.util.function.Function;

/**
 * Opens the replicas of this process: one of each, whatever the number of connections. Thread-safe.
 */
final class ReplicaBackend implements Backend {
  /** What a parameter's text changes. */
  private interface Setting extends BiFunction<ReplicaOptions, String, ReplicaOptions> {}

  private static final Map<String, Setting> SETTINGS =
      Map.ofEntries(
          setting(
              ReplicaParameters.PAGE_CACHE_SIZE,
              (options, text) -> options.withPageCacheBytes(Sizes.parse(text))),
          setting(
              ReplicaParameters.READ_TIMEOUT,
              (options, text) -> options.withReadTimeout(Durations.parse(text))),
          setting(
              ReplicaParameters.POLL_INTERVAL,
              (options, text) -> options.withPollInterval(Durations.parse(text))),
          setting(
              ReplicaParameters.RESCUE_BYTES,
              (options, text) -> options.withRescueBytes(Sizes.parse(text))),
          setting(
              ReplicaParameters.CACHE_DIR,
              (options, text) -> options.withCacheDirectory(Path.of(text).toAbsolutePath())),
          ofStore(
              ReplicaParameters.STORE,
              (store, text) -> store.at(oneOf(StoreOptions.Place.class, text))),
          ofStore(
              ReplicaParameters.STORE_SIZE, (store, text) -> store.withBytesMax(Sizes.parse(text))),
          ofStore(
              ReplicaParameters.STORE_READ,
              (store, text) -> store.readBy(oneOf(StoreOptions.Reading.class, text))),
          ofStore(
              ReplicaParameters.HYDRATION_ENABLED, (store, text) -> store.hydrated(isTrue(text))),
          ofStore(
              ReplicaParameters.HYDRATION_PATH,
              (store, text) -> store.withPath(Path.of(text).toAbsolutePath())),
          ofStore(
              ReplicaParameters.HYDRATION_RATE,
              (store, text) -> store.withHydrationBytesPerSecond(Sizes.parse(text))));

  private static Map.Entry<String, Setting> setting(String name, Setting setting) {
    return Map.entry(name, setting);
  }

  private static Map.Entry<String, Setting> ofStore(
      String name, BiFunction<StoreOptions, String, StoreOptions> setting) {
    return Map.entry(
        name, (options, text) -> options.withStore(setting.apply(options.store(), text)));
  }

  private final NativeMemory memory = new NativeMemory();
  private final Replicas replicas;
  private final Clock clock;
  private final Path cacheDirectory;
  private final ConcurrentMap<String, ReplicaOptions> held = new ConcurrentHashMap<>();
  private final AtomicLong holds = new AtomicLong();

  ReplicaBackend(Environment environment, Clock clock, ReplicaListener listener) {
    this.cacheDirectory = ReplicaOptions.cacheDirectory(environment);
    this.replicas = new Replicas(memory, environment, listener);
    this.clock = clock;
  }

  @Override
  public ReplicaFile open(OpenRequest request) throws IOException {
    Target target = target(request.parameters());
    ReplicaOptions options = options(request.parameters());
    Patience patience = new Patience(options.readTimeout(), request.isInterrupted());
    Deadline deadline = Deadline.after(options.readTimeout(), System::nanoTime);
    while (true) {
      Replica replica = replicas.acquire(options);
      try {
        Patience rest = new Patience(left(deadline), request.isInterrupted());
        View view = replica.at(target, rest);
        boolean isFixed = request.isUnlocked() || !(target instanceof Target.Latest);
        return new ReplicaConnection(
            replica,
            isFixed ? Optional.of(view) : Optional.empty(),
            new ReplicaConnection.Terms(patience, clock, () -> replicas.release(replica)));
      } catch (ViewException e) {
        replicas.release(replica);
        if (!replica.isReplaced() || deadline.hasPassed()) {
          throw e;
        }
        // Another database may have taken the replica's place: this opens that one.
      } catch (IOException | RuntimeException | Error e) {
        replicas.release(replica);
        throw e;
      }
    }
  }

  /** Returns the time there is; a millisecond where there is none, which is enough to say so. */
  private static Duration left(Deadline deadline) {
    Duration left = deadline.remaining();
    return left.toMillis() > 0 ? left : Duration.ofMillis(1);
  }

  /** Holds a replica for the explicit API, which names it in its URLs by a number of ours. */
  OpenReplica hold(ReplicaOptions options) throws IOException {
    Replica replica = replicas.acquire(options);
    String number = Long.toString(holds.incrementAndGet());
    held.put(number, options);
    return new OpenReplica(
        replica,
        number,
        () -> {
          held.remove(number);
          replicas.release(replica);
        });
  }

  @Override
  public void stop() {
    memory.keepReleased();
    replicas.close();
  }

  @Override
  public void close() {
    replicas.close();
    memory.close();
  }

  private ReplicaOptions options(ReplicaParameters parameters) {
    Optional<String> number = parameters.get(ReplicaParameters.REPLICA_OPEN);
    if (number.isPresent()) {
      ReplicaOptions options = held.get(number.get());
      if (options == null) {
        throw new IllegalArgumentException(
            "the replica of this URL was closed: its OpenReplica must stay open");
      }
      return options;
    }
    ReplicaOptions options =
        ReplicaOptions.of(ReplicaUrl.parse(parameters.replicaUrl()))
            .withCacheDirectory(cacheDirectory);
    for (Map.Entry<String, Setting> setting : SETTINGS.entrySet()) {
      ReplicaOptions before = options;
      options =
          value(parameters, setting.getKey(), text -> setting.getValue().apply(before, text))
              .orElse(before);
    }
    return options;
  }

  private static <E extends Enum<E>> E oneOf(Class<E> type, String text) {
    return Arrays.stream(type.getEnumConstants())
        .filter(value -> value.name().equalsIgnoreCase(text.strip()))
        .findFirst()
        .orElseThrow(
            () -> new IllegalArgumentException("not " + names(type) + ": \"" + text + "\""));
  }

  private static String names(Class<? extends Enum<?>> type) {
    List<String> names =
        Arrays.stream(type.getEnumConstants())
            .map(value -> value.name().toLowerCase(Locale.ROOT))
            .toList();
    int last = names.size() - 1;
    return String.join(", ", names.subList(0, last)) + " or " + names.get(last);
  }

  /** As Go reads it, which Litestream's users write. */
  private static boolean isTrue(String text) {
    return switch (text.strip()) {
      case "1", "t", "T", "true", "TRUE", "True" -> true;
      case "0", "f", "F", "false", "FALSE", "False" -> false;
      default -> throw new IllegalArgumentException("not true or false: \"" + text + "\"");
    };
  }

  private Target target(ReplicaParameters parameters) {
    Optional<Target> txid =
        value(parameters, ReplicaParameters.TXID, text -> new Target.AtTxid(Txid.parse(text)));
    return txid.or(
            () ->
                value(
                    parameters,
                    ReplicaParameters.TIMESTAMP,
                    text -> Times.parse(text, clock.instant())))
        .orElseGet(Target.Latest::new);
  }

  private static <T> Optional<T> value(
      ReplicaParameters parameters, String name, Function<String, T> parser) {
    try {
      return parameters.get(name).map(parser);
    } catch (IllegalArgumentException e) {
      throw new IllegalArgumentException(name + ": " + e.getMessage(), e);
    }
  }
}
