package dev.sluice.vfs;

import dev.sluice.storage.Environment;
import dev.sluice.storage.text.NearestWord;
import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;

/**
 * The parameters of a SQLite URI that are ours, checked by name; their values are still text.
 *
 * <p>They are read when SQLite opens the file, whichever driver made the connection. Immutable.
 *
 * @param label the name in the URI, for messages
 * @param replicaUrl where the replica is, as Litestream writes it
 * @param values the other parameters by name
 */
record ReplicaParameters(String label, String replicaUrl, Map<String, String> values) {
  static final String REPLICA_URL = "replica_url";
  static final String TXID = "txid";
  static final String TIMESTAMP = "timestamp";

  static final String POLL_INTERVAL = "poll_interval";

  static final String PAGE_CACHE_SIZE = "page_cache_size";
  static final String READ_TIMEOUT = "read_timeout";

  static final String RESCUE_BYTES = "rescue_bytes";

  /** A directory; need not exist. */
  static final String CACHE_DIR = "cache_dir";

  static final String STORE = "store";
  static final String STORE_SIZE = "store_size";
  static final String STORE_READ = "store_read";
  static final String HYDRATION_ENABLED = "hydration_enabled";
  static final String HYDRATION_PATH = "hydration_path";

  /** Bytes a second. */
  static final String HYDRATION_RATE = "hydration_rate";

  /** The variables that count where the URI says nothing, by the parameter that they stand for. */
  private static final Map<String, String> VARIABLES =
      Map.of(
          HYDRATION_ENABLED, "LITESTREAM_HYDRATION_ENABLED",
          HYDRATION_PATH, "LITESTREAM_HYDRATION_PATH");

  /** Names a replica that {@link OpenReplica} holds; only Sluice writes it. */
  static final String REPLICA_OPEN = "replica_open";

  /** The variable that says where the replica is if the URI does not. */
  static final String REPLICA_URL_VARIABLE = "LITESTREAM_REPLICA_URL";

  static final Set<String> NAMES =
      Set.of(
          REPLICA_URL,
          TXID,
          TIMESTAMP,
          POLL_INTERVAL,
          PAGE_CACHE_SIZE,
          READ_TIMEOUT,
          RESCUE_BYTES,
          CACHE_DIR,
          STORE,
          STORE_SIZE,
          STORE_READ,
          HYDRATION_ENABLED,
          HYDRATION_PATH,
          HYDRATION_RATE);

  /** A name that starts like this is meant for us. */
  private static final List<String> OUR_PREFIXES =
      List.of(
          "replica_",
          "txid",
          "timestamp",
          "poll_",
          "page_cache_",
          "read_",
          "cache_",
          "hydration_",
          "store",
          "rescue_",
          "prefetch",
          "verify",
          "max_",
          "server",
          "litestream_");

  /** Names that are kept for later versions. */
  private static final Set<String> LATER =
      Set.of(
          "prefetch_budget",
          "verify",
          "max_staleness",
          "max_requests_per_second",
          "prefetch",
          "server");

  /** What SQLite itself reads in a URI. */
  private static final Set<String> SQLITE_KEYS =
      Set.of("vfs", "mode", "cache", "immutable", "nolock", "psow", "modeof");

  /** Keys of a replica URL's query whose values may be shown. */
  private static final Set<String> PUBLIC_URL_KEYS =
      Set.of(
          "region",
          "endpoint",
          "force-path-style",
          "forcepathstyle",
          "skip-verify",
          "skipverify",
          "sign-payload",
          "signpayload",
          "require-content-md5",
          "requirecontentmd5",
          "concurrency",
          "part-size",
          "partsize");

  ReplicaParameters {
    values = Map.copyOf(values);
  }

  /**
   * Returns what the URI says, with the environment's defaults.
   *
   * @param text name NUL (key NUL value NUL)*, UTF-8, values percent-decoded
   * @throws IllegalArgumentException with one line for the user
   */
  static ReplicaParameters parse(byte[] text, Environment environment) {
    String[] parts = new String(text, StandardCharsets.UTF_8).split("\0", -1);
    Map<String, String> all = new LinkedHashMap<>();
    for (int i = 1; i + 1 < parts.length; i += 2) {
      all.putIfAbsent(parts[i], parts[i + 1]);
    }
    return of(parts[0], all, environment);
  }

  /** Returns what these parameters of a URI say; see {@link #parse}. */
  static ReplicaParameters of(String label, Map<String, String> all, Environment environment) {
    Map<String, String> ours = new LinkedHashMap<>();
    all.forEach(
        (name, value) -> {
          if (NAMES.contains(name) || name.equals(REPLICA_OPEN)) {
            ours.put(name, value);
          } else if (OUR_PREFIXES.stream().anyMatch(name.toLowerCase(Locale.ROOT)::startsWith)) {
            throw new IllegalArgumentException(
                LATER.contains(name)
                    ? "parameter \"" + name + "\" is not known by this version"
                    : "unknown parameter \"" + name + "\"" + hint(name));
          }
        });
    String url = Optional.ofNullable(ours.remove(REPLICA_URL)).orElse("");
    if (url.isEmpty()) {
      url = environment.get(REPLICA_URL_VARIABLE).orElse("");
    } else {
      refuseRawQuery(url, all);
    }
    if (url.isEmpty() && !ours.containsKey(REPLICA_OPEN)) {
      throw new IllegalArgumentException(
          "no replica_url: add replica_url=... to the URI or set " + REPLICA_URL_VARIABLE);
    }
    VARIABLES.forEach(
        (name, variable) ->
            environment
                .get(variable)
                .filter(value -> !value.isBlank())
                .ifPresent(value -> ours.putIfAbsent(name, value)));
    Optional.ofNullable(ours.get(CACHE_DIR)).ifPresent(ReplicaParameters::checkDirectory);
    if (ours.containsKey(TXID) && ours.containsKey(TIMESTAMP)) {
      throw new IllegalArgumentException(
          "txid and timestamp are both given: one view is chosen by one of them");
    }
    return new ReplicaParameters(label, url, ours);
  }

  /** Returns the parameter's text, empty if it is not given. */
  Optional<String> get(String name) {
    return Optional.ofNullable(values.get(name));
  }

  /** Shows no URL: its query may hold a credential. */
  @Override
  public String toString() {
    return "ReplicaParameters[" + label + ", " + new TreeSet<>(values.keySet()) + "]";
  }

  /**
   * In a raw query the first {@code &} ends replica_url, and the rest arrives as parameters of the
   * SQLite URI: whatever is neither ours nor SQLite's, however it is spelt. Where it stands says
   * nothing, for sqlite-jdbc turns the order round.
   */
  private static void refuseRawQuery(String url, Map<String, String> all) {
    if (url.indexOf('?') < 0) {
      return;
    }
    StringBuilder whole = new StringBuilder(withoutSecrets(url));
    boolean isRaw = false;
    for (Map.Entry<String, String> parameter : all.entrySet()) {
      String name = parameter.getKey();
      boolean isOfUri =
          NAMES.contains(name) || name.equals(REPLICA_OPEN) || SQLITE_KEYS.contains(name);
      if (!isOfUri) {
        isRaw = true;
        whole.append('&').append(withoutSecrets(name, parameter.getValue()));
      }
    }
    if (isRaw) {
      String encoded =
          URLEncoder.encode(whole.toString(), StandardCharsets.UTF_8).replace("+", "%20");
      throw new IllegalArgumentException(
          "the query of replica_url must be percent-encoded inside a SQLite URI: replica_url="
              + encoded);
    }
  }

  private static String withoutSecrets(String url) {
    int query = url.indexOf('?');
    String shown =
        Arrays.stream(url.substring(query + 1).split("&", -1))
            .map(
                pair -> {
                  int equals = pair.indexOf('=');
                  return equals < 0
                      ? pair
                      : withoutSecrets(pair.substring(0, equals), pair.substring(equals + 1));
                })
            .collect(Collectors.joining("&"));
    return withoutUser(url.substring(0, query + 1)) + shown;
  }

  /** Shows the value only of a key that is known to hold no secret: a secret's may be misspelt. */
  private static String withoutSecrets(String key, String value) {
    boolean isPublic = PUBLIC_URL_KEYS.contains(key.toLowerCase(Locale.ROOT));
    return key + "=" + (isPublic ? withoutUser(value) : "...");
  }

  private static String withoutUser(String url) {
    return url.replaceAll("//[^/?]*@", "//...@");
  }

  private static void checkDirectory(String text) {
    try {
      if (!text.isBlank() && (Files.isDirectory(Path.of(text)) || Files.notExists(Path.of(text)))) {
        return;
      }
    } catch (InvalidPathException e) {
      throw new IllegalArgumentException(CACHE_DIR + ": not a path: " + e.getMessage(), e);
    }
    throw new IllegalArgumentException(CACHE_DIR + ": not a directory: \"" + text + "\"");
  }

  private static String hint(String name) {
    return NearestWord.of(name.toLowerCase(Locale.ROOT), NAMES)
        .map(known -> " (did you mean \"" + known + "\"?)")
        .orElse(" (known: " + String.join(", ", new TreeSet<>(NAMES)) + ")");
  }
}
