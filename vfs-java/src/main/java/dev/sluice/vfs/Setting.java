package dev.sluice.vfs;

import dev.sluice.cache.ReplicaOptions;
import dev.sluice.cache.StoreOptions;
import dev.sluice.storage.text.Durations;
import dev.sluice.storage.text.Sizes;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.function.BiFunction;
import java.util.function.Function;

/** A parameter that sets one of a replica's options. */
enum Setting {
  PAGE_CACHE_SIZE(
      ReplicaParameters.PAGE_CACHE_SIZE,
      (options, text) -> options.withPageCacheBytes(Sizes.parse(text)),
      options -> bytes(options.pageCacheBytes())),
  READ_TIMEOUT(
      ReplicaParameters.READ_TIMEOUT,
      (options, text) -> options.withReadTimeout(Durations.parse(text)),
      options -> options.readTimeout().toString()),
  POLL_INTERVAL(
      ReplicaParameters.POLL_INTERVAL,
      (options, text) -> options.withPollInterval(Durations.parse(text)),
      options -> options.pollInterval().toString()),
  RESCUE_BYTES(
      ReplicaParameters.RESCUE_BYTES,
      (options, text) -> options.withRescueBytes(Sizes.parse(text)),
      options -> bytes(options.rescueBytes())),
  CACHE_DIR(
      ReplicaParameters.CACHE_DIR,
      (options, text) -> options.withCacheDirectory(Path.of(text).toAbsolutePath()),
      options -> options.cacheDirectory().toString()),
  STORE(
      ReplicaParameters.STORE,
      ofStore((store, text) -> store.at(oneOf(StoreOptions.Place.class, text))),
      options -> word(options.store().place())),
  STORE_SIZE(
      ReplicaParameters.STORE_SIZE,
      ofStore((store, text) -> store.withBytesMax(Sizes.parse(text))),
      options -> bytes(options.store().bytesMax())),
  STORE_READ(
      ReplicaParameters.STORE_READ,
      ofStore((store, text) -> store.readBy(oneOf(StoreOptions.Reading.class, text))),
      options -> word(options.store().reading())),
  HYDRATION_ENABLED(
      ReplicaParameters.HYDRATION_ENABLED,
      ofStore((store, text) -> store.hydrated(isTrue(text))),
      options -> Boolean.toString(options.store().isHydrated())),
  HYDRATION_PATH(
      ReplicaParameters.HYDRATION_PATH,
      ofStore((store, text) -> store.withPath(Path.of(text).toAbsolutePath())),
      options -> options.store().path().map(Path::toString).orElse("none")),
  HYDRATION_RATE(
      ReplicaParameters.HYDRATION_RATE,
      ofStore((store, text) -> store.withHydrationBytesPerSecond(Sizes.parse(text))),
      options -> bytes(options.store().hydrationBytesPerSecond()));

  private final String parameter;

  @SuppressWarnings("ImmutableEnumChecker") // functions without state, as the one below
  private final Change change;

  @SuppressWarnings("ImmutableEnumChecker")
  private final Function<ReplicaOptions, String> value;

  /** What a parameter's text makes of options. */
  private interface Change extends BiFunction<ReplicaOptions, String, ReplicaOptions> {}

  Setting(String parameter, Change change, Function<ReplicaOptions, String> value) {
    this.parameter = parameter;
    this.change = change;
    this.value = value;
  }

  private static Change ofStore(BiFunction<StoreOptions, String, StoreOptions> change) {
    return (options, text) -> options.withStore(change.apply(options.store(), text));
  }

  /** Returns the parameter's name. */
  String parameter() {
    return parameter;
  }

  /** Returns the value in options, for comparison and for messages. */
  String valueIn(ReplicaOptions options) {
    return value.apply(options);
  }

  /**
   * Returns options with what the parameters say of this, if they do.
   *
   * @throws IllegalArgumentException with one line for the user
   */
  ReplicaOptions applied(ReplicaOptions options, ReplicaParameters parameters) {
    Optional<String> text = parameters.get(parameter);
    try {
      return text.isPresent() ? change.apply(options, text.get()) : options;
    } catch (IllegalArgumentException e) {
      throw new IllegalArgumentException(parameter + ": " + e.getMessage(), e);
    }
  }

  private static String bytes(long count) {
    return count == Long.MAX_VALUE ? "none" : Long.toString(count);
  }

  private static String word(Enum<?> value) {
    return value.name().toLowerCase(Locale.ROOT);
  }

  private static <E extends Enum<E>> E oneOf(Class<E> type, String text) {
    return Arrays.stream(type.getEnumConstants())
        .filter(value -> value.name().equalsIgnoreCase(text.strip()))
        .findFirst()
        .orElseThrow(
            () -> new IllegalArgumentException("not " + words(type) + ": \"" + text + "\""));
  }

  private static String words(Class<? extends Enum<?>> type) {
    List<String> words = Arrays.stream(type.getEnumConstants()).map(Setting::word).toList();
    int last = words.size() - 1;
    return String.join(", ", words.subList(0, last)) + " or " + words.get(last);
  }

  /** As Go reads it, which Litestream's users write. */
  private static boolean isTrue(String text) {
    return switch (text.strip()) {
      case "1", "t", "T", "true", "TRUE", "True" -> true;
      case "0", "f", "F", "false", "FALSE", "False" -> false;
      default -> throw new IllegalArgumentException("not true or false: \"" + text + "\"");
    };
  }
}
