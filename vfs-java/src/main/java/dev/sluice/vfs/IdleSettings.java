package dev.sluice.vfs;

import dev.sluice.cache.Replica;
import dev.sluice.cache.ReplicaOptions;
import dev.sluice.cache.StoreOptions.Place;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.Collections;
import java.util.EnumSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.WeakHashMap;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Function;
import java.util.stream.Collectors;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Says which settings of somebody who opens a replica have no effect, and why: each line at INFO,
 * once for as long as the replica is open, for a pool opens it often. Thread-safe.
 */
final class IdleSettings {
  private static final Logger log = LoggerFactory.getLogger(IdleSettings.class);

  /** Of these the first one's counts of all who open a replica. */
  private static final Set<Setting> OF_THE_FIRST =
      Collections.unmodifiableSet(
          EnumSet.of(
              Setting.CACHE_DIR,
              Setting.STORE,
              Setting.STORE_SIZE,
              Setting.STORE_READ,
              Setting.HYDRATION_PATH,
              Setting.HYDRATION_RATE));

  /** These are of a page store that there is. */
  private static final Set<Setting> OF_A_STORE =
      Collections.unmodifiableSet(
          EnumSet.of(
              Setting.STORE_SIZE,
              Setting.STORE_READ,
              Setting.HYDRATION_ENABLED,
              Setting.HYDRATION_PATH,
              Setting.HYDRATION_RATE));

  /** What was said of a replica, as long as there is one. */
  private final Map<Replica, Set<String>> told = Collections.synchronizedMap(new WeakHashMap<>());

  /**
   * What somebody asks for.
   *
   * @param given those of the options that were chosen
   * @param fixedBy the parameter that fixes the view, if one does
   */
  record Request(ReplicaOptions options, Set<Setting> given, Optional<String> fixedBy) {

    /** Returns what was chosen with the parameters of a URI. */
    static Request of(
        ReplicaOptions options, ReplicaParameters parameters, Optional<String> fixedBy) {
      Set<Setting> given = EnumSet.noneOf(Setting.class);
      Arrays.stream(Setting.values())
          .filter(each -> parameters.get(each.parameter()).isPresent())
          .forEach(given::add);
      return new Request(options, given, fixedBy);
    }

    /** Returns what was chosen in Java: what differs from the defaults. */
    static Request of(ReplicaOptions options, Optional<String> fixedBy) {
      ReplicaOptions defaults = ReplicaOptions.of(options.url());
      Set<Setting> given = EnumSet.noneOf(Setting.class);
      Arrays.stream(Setting.values())
          .filter(each -> !each.valueIn(options).equals(each.valueIn(defaults)))
          .forEach(given::add);
      return new Request(options, given, fixedBy);
    }
  }

  /** Says what has no effect for one who has just acquired the replica. */
  void tell(Replica replica, Request request) {
    List<String> lines = lines(request, replica.options(), replica.published().isPresent());
    Set<String> before = told.computeIfAbsent(replica, each -> ConcurrentHashMap.newKeySet());
    lines.stream()
        .filter(before::add)
        .forEach(line -> log.info("replica {}: {}", replica.location(), line));
  }

  /**
   * Returns a line for each reason.
   *
   * @param first the options of who opened the replica first
   * @param isFollowed whether the newest view was opened, and with it the store if there is to be
   *     one
   */
  static List<String> lines(Request request, ReplicaOptions first, boolean isFollowed) {
    ReplicaOptions options = request.options();
    Set<Setting> left = EnumSet.noneOf(Setting.class);
    left.addAll(request.given());
    if (!options.store().isHydrated()) {
      left.remove(Setting.HYDRATION_ENABLED); // nothing is asked for
    }
    List<String> lines = new ArrayList<>();
    List<Setting> others =
        left.stream()
            .filter(OF_THE_FIRST::contains)
            .filter(each -> !each.valueIn(options).equals(each.valueIn(first)))
            .toList();
    if (!others.isEmpty()) {
      lines.add(
          "it is open with %s: %s is ignored"
              .formatted(listed(others, first), listed(others, options)));
      left.removeAll(others);
    }
    Place place = first.store().place();
    List<Setting> idle = left.stream().filter(each -> isIdle(each, place)).toList();
    if (!idle.isEmpty()) {
      lines.add(names(idle) + " without effect: " + listed(List.of(Setting.STORE), first));
      left.removeAll(idle);
    }
    left.removeIf(each -> each != Setting.STORE && !OF_A_STORE.contains(each));
    if (request.fixedBy().isPresent() && !isFollowed && place != Place.OFF && !left.isEmpty()) {
      lines.add(
          "%s without effect: %s opens no page store, and nobody else has opened one"
              .formatted(names(left), request.fixedBy().get()));
    }
    return lines;
  }

  private static boolean isIdle(Setting setting, Place place) {
    return switch (place) {
      case DISK -> false;
      case MEMORY -> setting == Setting.HYDRATION_PATH;
      case OFF -> OF_A_STORE.contains(setting);
    };
  }

  private static String listed(Collection<Setting> settings, ReplicaOptions options) {
    return joined(settings, each -> each.parameter() + "=" + each.valueIn(options));
  }

  private static String names(Collection<Setting> settings) {
    return joined(settings, Setting::parameter);
  }

  private static String joined(Collection<Setting> settings, Function<Setting, String> text) {
    return settings.stream().map(text).collect(Collectors.joining(", "));
  }
}
