package dev.sluice.storage;

import java.util.Collections;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.TreeMap;

/**
 * Where a replica is, as Litestream 0.5 writes it: {@code s3://bucket/path?region=us-east-1},
 * {@code s3://arn:aws:s3:...:accesspoint/name/path}, {@code file:relative/path}, {@code
 * file:///absolute/path} or a bare directory path.
 *
 * <p>Parsed by hand because {@link java.net.URI} takes neither ARNs nor bucket names with
 * underscores. Neither {@link #toString} nor {@link #location} nor a message of {@link #parse}
 * shows the user, the password or a query value. Immutable.
 *
 * @param scheme in lower case
 * @param userInfo what stands before the {@code @}, still percent-encoded; a secret
 * @param host bucket, ARN or host name, its case kept; empty for {@code file}
 * @param port the port, if one is given
 * @param path the decoded path. For object keys without a slash at either end, perhaps empty; for
 *     {@code file} a path of this file system with {@code .} and {@code ..} resolved, never empty
 * @param query decoded values by key, the keys in kebab case; perhaps with secrets. Keys nobody
 *     knows are the provider's to refuse
 */
public record ReplicaUrl(
    String scheme,
    Optional<String> userInfo,
    String host,
    OptionalInt port,
    String path,
    Map<String, String> query) {

  /** The scheme of a replica in a directory. */
  public static final String FILE = "file";

  public ReplicaUrl {
    if (!scheme.equals(scheme.toLowerCase(Locale.ROOT)) || scheme.isEmpty()) {
      throw new IllegalArgumentException("the scheme is not in lower case: " + scheme);
    }
    ReplicaUrlParser.refuseControlCharacters(scheme, "the host", host);
    ReplicaUrlParser.refuseControlCharacters(scheme, "the path", path);
    query.forEach(
        (key, value) ->
            ReplicaUrlParser.refuseControlCharacters(scheme, "the value of " + key, value));
    query = Collections.unmodifiableMap(new TreeMap<>(query));
  }

  /**
   * Returns the URL that a user wrote. In {@code file:} a path is percent-decoded; if there is no
   * such directory but one that is named as the path is written, that is meant: Litestream decodes
   * nothing.
   *
   * @throws IllegalArgumentException if it is not one: the message names the part that is wrong and
   *     quotes no secret
   */
  public static ReplicaUrl parse(String text) {
    return new ReplicaUrlParser(text).parse();
  }

  /** Returns the URL of the replica in a directory. */
  public static ReplicaUrl ofDirectory(String path) {
    return new ReplicaUrl(
        FILE,
        Optional.empty(),
        "",
        OptionalInt.empty(),
        ReplicaUrlParser.cleanFilePath(path),
        Map.of());
  }

  /** Returns the decoded part of the user info before the first colon. */
  public Optional<String> user() {
    return userInfo.map(both -> ReplicaUrlParser.percentDecode(both.split(":", 2)[0], "the user"));
  }

  /** Returns the decoded part of the user info after the first colon; a secret. */
  public Optional<String> password() {
    return userInfo
        .filter(both -> both.indexOf(':') >= 0)
        .map(both -> ReplicaUrlParser.percentDecode(both.split(":", 2)[1], "the password"));
  }

  /** Returns scheme, host, port and path: for messages. */
  public String location() {
    if (scheme.equals(FILE)) {
      return path.startsWith("/") ? "file://" + path : "file:" + path;
    }
    String authority = host + (port.isPresent() ? ":" + port.getAsInt() : "");
    return scheme + "://" + authority + (path.isEmpty() ? "" : "/" + path);
  }

  /** Returns {@link #location()}. */
  @Override
  public String toString() {
    return location();
  }
}
