package dev.sluice.replicator.config;

import dev.sluice.storage.Environment;
import dev.sluice.storage.ReplicaClient;
import dev.sluice.storage.ReplicaClients;
import dev.sluice.storage.ReplicaUrl;
import java.time.Duration;
import java.util.Optional;

/**
 * The one replica of a database, or what those of a directory's databases have in common.
 * Immutable.
 *
 * @param url where it is, with all settings of the storage; its query may hold a secret, which no
 *     message and no {@code toString} shows
 * @param accessKey the credentials, if they are not left to the environment
 * @param syncInterval in the long run there is one upload in so long a time
 * @param leaseTtl for how long a writer owns the replica without renewing; empty for no lease
 * @param allowsUnconditionalWrites whether a storage without conditional writes is used all the
 *     same, so that nobody notices a second writer
 * @param origin where it was named
 */
public record ReplicaEntry(
    ReplicaUrl url,
    Optional<AccessKey> accessKey,
    Duration syncInterval,
    Optional<Duration> leaseTtl,
    boolean allowsUnconditionalWrites,
    Origin origin) {

  /** How often is uploaded where nothing is said. */
  public static final Duration SYNC_INTERVAL = Duration.ofSeconds(1);

  static final Duration LEASE_TTL = Duration.ofSeconds(30);

  static final Duration LEASE_TTL_MIN = Duration.ofSeconds(1);

  /** Returns a replica about which nothing but its place was said. */
  public static ReplicaEntry of(ReplicaUrl url, Origin origin) {
    return new ReplicaEntry(url, Optional.empty(), SYNC_INTERVAL, Optional.empty(), false, origin);
  }

  /**
   * Returns a client; makes no request. The caller closes it.
   *
   * @throws ConfigException if the storage's provider is not there or cannot use the settings
   */
  public ReplicaClient open(Environment around) throws ConfigException {
    try {
      return ReplicaClients.open(url, environment(around));
    } catch (IllegalArgumentException e) {
      throw new ConfigException(origin, "replica " + url.location() + ": " + e.getMessage(), e);
    }
  }

  /**
   * Returns the variables that this replica's client is to see: {@code around}, with the configured
   * credentials in place of those there.
   */
  public Environment environment(Environment around) {
    return accessKey.isEmpty() ? around : new WithAccessKey(around, accessKey.get());
  }

  /** Equal where key and environment are: such replicas share their connections. */
  private record WithAccessKey(Environment around, AccessKey key) implements Environment {
    @Override
    public Optional<String> get(String name) {
      return switch (name) {
        case "AWS_ACCESS_KEY_ID" -> Optional.of(key.id());
        case "AWS_SECRET_ACCESS_KEY" -> Optional.of(key.secret());
        // A token of the environment goes with the key of the environment.
        case "AWS_SESSION_TOKEN" -> Optional.empty();
        default -> around.get(name);
      };
    }

    /** Returns nothing of the key. */
    @Override
    public String toString() {
      return "WithAccessKey";
    }
  }

  /**
   * Returns the replica of the database that is at {@code relativePath} in the directory.
   *
   * @param relativePath names joined by slashes
   * @throws IllegalArgumentException if a name cannot be part of the storage's
   */
  ReplicaEntry below(String relativePath) {
    boolean isRoot = url.path().isEmpty() || url.path().endsWith("/");
    String path = url.path() + (isRoot ? "" : "/") + relativePath;
    ReplicaUrl below =
        new ReplicaUrl(url.scheme(), url.userInfo(), url.host(), url.port(), path, url.query());
    return new ReplicaEntry(
        below, accessKey, syncInterval, leaseTtl, allowsUnconditionalWrites, origin);
  }

  /** Returns what two replicas have in common that are in one place. */
  public String place() {
    String endpoint = Optional.ofNullable(url.query().get("endpoint")).orElse("");
    return url.location() + " " + endpoint;
  }
}
