package dev.sluice.replicator.config;

import dev.sluice.storage.ReplicaUrl;
import dev.sluice.storage.text.NearestWord;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.TreeMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Reads the replica of a database: its own keys, and those of the top level where it has none.
 * Confined to one thread at a time; for one replica.
 */
final class ReplicaReader {
  private static final String S3 = "s3";
  private static final Pattern SCHEME =
      Pattern.compile("(file):.*|(\\w+)://.*", Pattern.DOTALL | Pattern.CASE_INSENSITIVE);

  /** Types that Litestream has. */
  private static final List<String> TYPES =
      List.of("file", S3, "gs", "abs", "sftp", "nats", "oss", "webdav");

  private static final List<String> S3_TEXTS =
      List.of("region", "endpoint", "storage-class", "sse-customer-algorithm", "sse-kms-key-id");
  private static final List<String> S3_FLAGS =
      List.of("force-path-style", "sign-payload", "require-content-md5", "skip-verify");
  private static final String CUSTOMER_KEY = "sse-customer-key";
  private static final String CUSTOMER_KEY_PATH = "sse-customer-key-path";
  private static final List<String> S3_OTHERS =
      List.of(
          "bucket",
          "access-key-id",
          "secret-access-key",
          CUSTOMER_KEY,
          CUSTOMER_KEY_PATH,
          "part-size",
          "concurrency");
  private static final long PART_BYTES_MIN = 5L << 20;
  private static final long PART_BYTES_WRITTEN_MIN = 5_000_000;
  private static final long PART_BYTES_MAX = 5L << 30;

  private final Reading reading;
  private final Section replica;
  private final Section top;

  private ReplicaReader(Reading reading, Section replica, Section top) {
    this.reading = reading;
    this.replica = replica;
    this.top = top;
  }

  /**
   * Returns what the section says.
   *
   * @throws ConfigException if it names no replica that can be used
   */
  static ReplicaEntry read(Reading reading, Section replica, Section top) throws ConfigException {
    return new ReplicaReader(reading, replica, top).read();
  }

  /**
   * Returns the replica at a URL, of which the top level says what the URL does not.
   *
   * @throws ConfigException if the top level cannot be used with it
   */
  static ReplicaEntry read(Reading reading, ReplicaUrl url, Section top) throws ConfigException {
    Section none = Section.empty(reading, Scope.REPLICA, 1);
    return new ReplicaReader(reading, none, top).entry(url, Origin.COMMAND_LINE);
  }

  private ReplicaEntry entry(ReplicaUrl url, Origin origin) throws ConfigException {
    Map<String, String> query =
        new TreeMap<>(url.scheme().equals(S3) ? s3Query(Map.of(), 1) : Map.of());
    query.putAll(url.query());
    return with(withQuery(url, query, 1), origin);
  }

  private ReplicaEntry read() throws ConfigException {
    replica.section("age", Scope.AGE);
    Optional<Setting<String>> url = replica.text("url");
    Optional<Setting<String>> path = replica.text("path");
    if (url.isPresent() && path.isPresent()) {
      throw reading.wrong(path.get().line(), "path and url exclude each other");
    }
    ReplicaUrl place = url.isPresent() ? atUrl(url.get()) : atType(path);
    if (!place.scheme().equals(S3)) {
      warnOfS3Keys(place.scheme());
    }
    return with(place, reading.text().origin(replica.line()));
  }

  private ReplicaEntry with(ReplicaUrl place, Origin origin) throws ConfigException {
    return new ReplicaEntry(
        place,
        place.scheme().equals(S3) ? accessKey() : Optional.empty(),
        duration("sync-interval").orElse(ReplicaEntry.SYNC_INTERVAL),
        lease(),
        flag("unsafe-no-conditional-writes").orElse(false),
        origin);
  }

  private ReplicaUrl atUrl(Setting<String> url) throws ConfigException {
    Matcher scheme = SCHEME.matcher(url.value());
    if (!scheme.matches()) {
      throw reading.wrong(
          url.line(),
          "url: has no scheme (as s3://BUCKET/PATH; a directory is given by path)"
              + reading.text().unsetRemark(url.line()));
    }
    String type =
        typeOf(scheme.group(1) != null ? scheme.group(1) : scheme.group(2))
            .toLowerCase(java.util.Locale.ROOT);
    Optional<Setting<String>> written = replica.text("type");
    if (written.isPresent() && !typeOf(written.get().value()).equals(type)) {
      throw reading.wrong(
          written.get().line(), "type: \"" + written.get().value() + "\" is not that of the url");
    }
    requireStorage("url", new Setting<>(type, url.line()));
    ReplicaUrl parsed;
    try {
      parsed = ReplicaUrl.parse(url.value());
    } catch (IllegalArgumentException e) {
      throw reading.wrong(url.line(), "url: " + e.getMessage());
    }
    if (type.equals(ReplicaUrl.FILE)) {
      return directory(new Setting<>(parsed.path(), url.line()));
    }
    if (type.equals(S3) && replica.text("bucket").isPresent()) {
      throw reading.wrong(replica.lineOf("bucket"), "bucket and url exclude each other");
    }
    return type.equals(S3)
        ? withQuery(parsed, s3Query(parsed.query(), url.line()), url.line())
        : parsed;
  }

  private ReplicaUrl withQuery(ReplicaUrl url, Map<String, String> query, int line)
      throws ConfigException {
    try {
      return new ReplicaUrl(
          url.scheme(), url.userInfo(), url.host(), url.port(), url.path(), query);
    } catch (IllegalArgumentException e) {
      throw reading.wrong(line, String.valueOf(e.getMessage()));
    }
  }

  private ReplicaUrl atType(Optional<Setting<String>> path) throws ConfigException {
    Optional<Setting<String>> written = replica.text("type");
    if (written.isEmpty() && replica.text("bucket").isPresent()) {
      throw reading.wrong(
          replica.lineOf("bucket"), "bucket: which storage it is in is not said; add \"type: s3\"");
    }
    String type = written.map(Setting::value).orElse(ReplicaUrl.FILE);
    int line = written.map(Setting::line).orElse(replica.line());
    if (path.isPresent() && path.get().value().matches("\\w+://.*")) {
      throw reading.wrong(path.get().line(), "path: is a URL; write it as url");
    }
    requireStorage("type", new Setting<>(type, line));
    return switch (type) {
      case ReplicaUrl.FILE -> {
        if (path.isEmpty()) {
          throw reading.wrong(
              replica.line(),
              "the replica has neither url nor path"
                  + reading.text().unsetRemark(replica.lineOf("url")));
        }
        yield directory(path.get());
      }
      case S3 -> bucket(path, line);
      default -> throw reading.wrong(line, "type: a replica in \"" + type + "\" is given by url");
    };
  }

  private static String typeOf(String scheme) {
    return scheme.equalsIgnoreCase("webdavs") ? "webdav" : scheme;
  }

  /**
   * @param key the one that says the type
   */
  private void requireStorage(String key, Setting<String> setting) throws ConfigException {
    String type = setting.value();
    if (reading.storages().contains(type)) {
      return;
    }
    String known = " (known: " + String.join(", ", reading.storages()) + ")";
    if (TYPES.contains(type)) {
      throw reading.wrong(
          setting.line(), key + ": there is no storage for \"" + type + "\" here" + known);
    }
    String hint =
        NearestWord.of(type, TYPES).map(near -> " (did you mean \"" + near + "\"?)").orElse(known);
    throw reading.wrong(setting.line(), key + ": unknown type \"" + type + "\"" + hint);
  }

  private ReplicaUrl directory(Setting<String> path) throws ConfigException {
    try {
      return ReplicaUrl.ofDirectory(reading.path(path).toString());
    } catch (IllegalArgumentException e) {
      throw reading.wrong(path.line(), String.valueOf(e.getMessage()));
    }
  }

  private ReplicaUrl bucket(Optional<Setting<String>> path, int typeLine) throws ConfigException {
    Setting<String> bucket =
        replica
            .text("bucket")
            .or(() -> topText("bucket"))
            .orElseThrow(() -> reading.wrong(typeLine, "the bucket of the s3 replica is not said"));
    String key = path.isPresent() ? cleanKey(path.get()) : "";
    Map<String, String> query = s3Query(Map.of(), bucket.line());
    try {
      return new ReplicaUrl(S3, Optional.empty(), bucket.value(), OptionalInt.empty(), key, query);
    } catch (IllegalArgumentException e) {
      throw reading.wrong(bucket.line(), String.valueOf(e.getMessage()));
    }
  }

  /** Its values were found to be well-formed when it was made. */
  private Optional<Setting<String>> topText(String name) {
    try {
      return top.text(name);
    } catch (ConfigException e) {
      throw new IllegalStateException(e);
    }
  }

  /** Returns a key prefix as a URL's path would be. */
  private String cleanKey(Setting<String> path) throws ConfigException {
    Deque<String> segments = new ArrayDeque<>();
    for (String segment : path.value().split("/", -1)) {
      if (segment.equals("..")) {
        throw reading.wrong(path.line(), "path: \"..\" in an object key means nothing");
      }
      if (!segment.isEmpty() && !segment.equals(".")) {
        segments.add(segment);
      }
    }
    return String.join("/", segments);
  }

  /**
   * Returns the query of the URL with the keys added. What both say must be the same: Litestream
   * lets the key win here and the query there.
   */
  private Map<String, String> s3Query(Map<String, String> ofUrl, int urlLine)
      throws ConfigException {
    Map<String, String> query = new TreeMap<>(ofUrl);
    for (String name : S3_TEXTS) {
      put(query, name, text(name).map(Setting::value));
    }
    for (String name : S3_FLAGS) {
      put(query, name, flag(name).map(String::valueOf));
    }
    put(query, "part-size", partBytes());
    put(query, "concurrency", concurrency());
    put(query, CUSTOMER_KEY, customerKey());
    if (query.containsKey(CUSTOMER_KEY) && query.containsKey("sse-kms-key-id")) {
      throw reading.wrong(urlLine, CUSTOMER_KEY + " and sse-kms-key-id exclude each other");
    }
    return query;
  }

  private void put(Map<String, String> query, String name, Optional<String> value)
      throws ConfigException {
    if (value.isEmpty()) {
      return;
    }
    String before = query.put(name, value.get());
    if (before != null && !before.isEmpty() && !before.equals(value.get())) {
      int line = replica.has(name) ? replica.lineOf(name) : top.lineOf(name);
      throw reading.wrong(line, name + ": the query of the url says something else");
    }
  }

  /** Litestream's own examples write 5MB for the least that S3 takes, which is 5MiB. */
  private Optional<String> partBytes() throws ConfigException {
    Optional<Setting<Long>> own = replica.size("part-size");
    Optional<Setting<Long>> size = own.isPresent() ? own : top.size("part-size");
    if (size.isPresent()
        && (size.get().value() < PART_BYTES_WRITTEN_MIN || size.get().value() > PART_BYTES_MAX)) {
      throw reading.wrong(
          size.get().line(), "part-size: is 5MiB to 5GiB, not " + size.get().value() + " bytes");
    }
    return size.map(setting -> Long.toString(Math.max(setting.value(), PART_BYTES_MIN)));
  }

  private Optional<String> concurrency() throws ConfigException {
    Optional<Setting<Integer>> count = replica.integer("concurrency");
    Optional<Setting<Integer>> given = count.isPresent() ? count : top.integer("concurrency");
    return given.map(setting -> setting.value().toString());
  }

  /** The file counts before the key itself, as for Litestream. */
  private Optional<String> customerKey() throws ConfigException {
    Optional<Setting<String>> file = text(CUSTOMER_KEY_PATH);
    if (file.isEmpty()) {
      return text(CUSTOMER_KEY).map(Setting::value);
    }
    Path path = reading.path(file.get());
    try {
      return Optional.of(Files.readString(path).strip());
    } catch (IOException e) {
      // Not its message, which for a file that is not text quotes nothing of use.
      throw reading.wrong(file.get().line(), CUSTOMER_KEY_PATH + ": cannot be read: " + path);
    }
  }

  private Optional<AccessKey> accessKey() throws ConfigException {
    Optional<Setting<String>> id = text("access-key-id");
    Optional<Setting<String>> secret = text("secret-access-key");
    if (id.isPresent() && secret.isPresent()) {
      return Optional.of(new AccessKey(id.get().value(), secret.get().value()));
    }
    if (id.isPresent() || secret.isPresent()) {
      String given = id.isPresent() ? "access-key-id" : "secret-access-key";
      String missing = id.isPresent() ? "secret-access-key" : "access-key-id";
      int line = id.or(() -> secret).orElseThrow().line();
      throw reading.wrong(
          line,
          given
              + ": "
              + missing
              + " is not given"
              + reading
                  .text()
                  .unsetRemark(
                      replica.has(missing) ? replica.lineOf(missing) : top.lineOf(missing)));
    }
    return Optional.empty();
  }

  private Optional<Duration> lease() throws ConfigException {
    Optional<Setting<Duration>> own = replica.duration("lease-ttl");
    Optional<Setting<Duration>> time = own.isPresent() ? own : top.duration("lease-ttl");
    if (time.isPresent() && time.get().value().compareTo(ReplicaEntry.LEASE_TTL_MIN) < 0) {
      throw reading.wrong(time.get().line(), "lease-ttl: is 1s or more");
    }
    return flag("lease").orElse(false)
        ? Optional.of(time.map(Setting::value).orElse(ReplicaEntry.LEASE_TTL))
        : Optional.empty();
  }

  private void warnOfS3Keys(String type) {
    for (List<String> names : List.of(S3_TEXTS, S3_FLAGS, S3_OTHERS)) {
      for (String name : names) {
        if (replica.has(name)) {
          reading.warn(replica.lineOf(name), name, "the replica is in \"" + type + "\", not in s3");
        }
      }
    }
  }

  private Optional<Setting<String>> text(String name) throws ConfigException {
    Optional<Setting<String>> own = replica.text(name);
    return own.isPresent() ? own : top.text(name);
  }

  private Optional<Boolean> flag(String name) throws ConfigException {
    Optional<Setting<Boolean>> own = replica.flag(name);
    return (own.isPresent() ? own : top.flag(name)).map(Setting::value);
  }

  private Optional<Duration> duration(String name) throws ConfigException {
    Optional<Setting<Duration>> own = replica.duration(name);
    return (own.isPresent() ? own : top.duration(name)).map(Setting::value);
  }
}
