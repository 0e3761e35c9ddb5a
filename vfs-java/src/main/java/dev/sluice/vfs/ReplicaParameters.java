package dev.sluice.vfs;

import dev.sluice.storage.Environment;
import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;

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
  static final String CACHE_DIR = "cache_dir";

  /** Names a replica that {@link OpenReplica} holds; only Sluice writes it. */
  static final String REPLICA_OPEN = "replica_open";

  /** The variable that says where the replica is if the URI does not. */
  static final String REPLICA_URL_VARIABLE = "LITESTREAM_REPLICA_URL";

  static final Set<String> NAMES =
      Set.of(REPLICA_URL, TXID, TIMESTAMP, POLL_INTERVAL, PAGE_CACHE_SIZE, READ_TIMEOUT, CACHE_DIR);

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

  /**
   * Keys of a replica URL's query; beside replica_url they are what is left of one that was not
   * encoded.
   */
  private static final Set<String> URL_KEYS =
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
          "partsize",
          "access-key-id",
          "accesskeyid",
          "secret-access-key",
          "secretaccesskey",
          "session-token",
          "sessiontoken");

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
                "unknown parameter \"" + name + "\" (did you mean \"" + nearest(name) + "\"?)");
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
    if ("shared".equals(all.get("cache"))) {
      throw new IllegalArgumentException(
          "cache=shared is not supported: connections share a replica's pages without it");
    }
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
   * SQLite URI.
   */
  private static void refuseRawQuery(String url, Map<String, String> all) {
    if (url.indexOf('?') < 0) {
      return;
    }
    StringBuilder whole = new StringBuilder(url);
    all.forEach(
        (name, value) -> {
          if (URL_KEYS.contains(name.toLowerCase(Locale.ROOT))) {
            whole.append('&').append(name).append('=').append(value);
          }
        });
    if (whole.length() > url.length()) {
      String encoded = URLEncoder.encode(withoutSecrets(whole.toString()), StandardCharsets.UTF_8);
      throw new IllegalArgumentException(
          "the query of replica_url must be percent-encoded inside a SQLite URI: replica_url="
              + encoded);
    }
  }

  private static String withoutSecrets(String url) {
    return url.replaceAll(
            "(?i)([?&](?:access-?key-?id|secret-?access-?key|session-?token)=)[^&]*", "$1...")
        .replaceAll("//[^/@?]*@", "//...@");
  }

  private static String nearest(String name) {
    return new TreeSet<>(NAMES)
        .stream().min(Comparator.comparingInt(known -> distance(name, known))).orElse(REPLICA_URL);
  }

  /** Returns the edits (insert, delete, replace) between two words. */
  private static int distance(String a, String b) {
    int[] row = new int[b.length() + 1];
    for (int j = 0; j <= b.length(); j++) {
      row[j] = j;
    }
    for (int i = 1; i <= a.length(); i++) {
      int diagonal = row[0];
      row[0] = i;
      for (int j = 1; j <= b.length(); j++) {
        int replaced = diagonal + (a.charAt(i - 1) == b.charAt(j - 1) ? 0 : 1);
        diagonal = row[j];
        row[j] = Math.min(replaced, Math.min(row[j - 1], diagonal) + 1);
      }
    }
    return row[b.length()];
  }
}
