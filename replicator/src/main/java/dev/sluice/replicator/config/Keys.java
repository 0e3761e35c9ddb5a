package dev.sluice.replicator.config;

import dev.sluice.storage.text.NearestWord;
import java.util.ArrayList;
import java.util.Collection;
import java.util.EnumMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * Every key that a configuration may have: those of Litestream 0.5, those of 0.3 that 0.5 passes
 * over, and ours. The table in docs/configuration.md has the same.
 */
final class Keys {
  private static final String NO_MCP = "there is no MCP server";
  private static final String ALWAYS_VERIFIED = "every file and every compaction is verified";
  private static final String OVER_SFTP = "there is no storage over SFTP";
  private static final String OVER_WEBDAV = "there is no storage over WebDAV";
  private static final String IN_NATS = "there is no storage in NATS";
  private static final String IN_AZURE = "there is no storage in Azure";
  private static final String WHEN_DUE = "each file is looked at when it may be deleted";
  private static final String SOON = "at the end it is tried again every 500ms";
  private static final String BY_SNAPSHOT =
      "as in Litestream 0.5, \"snapshot\" at the top level sets it for all";

  private static final Map<Scope, Map<String, Key>> ALL = all();

  private Keys() {}

  private static Map<Scope, Map<String, Key>> all() {
    List<Key> keys = new ArrayList<>();
    addTop(keys);
    addSections(keys);
    addDatabase(keys);
    addReplica(keys);
    addShared(keys, Scope.TOP);
    addShared(keys, Scope.REPLICA);
    Map<Scope, Map<String, Key>> all = new EnumMap<>(Scope.class);
    for (Key key : keys) {
      Key before =
          all.computeIfAbsent(key.scope(), scope -> new LinkedHashMap<>()).put(key.name(), key);
      if (before != null) {
        throw new IllegalStateException("two keys " + key.name() + " in " + key.scope());
      }
    }
    return all;
  }

  private static void addTop(List<Key> keys) {
    Scope top = Scope.TOP;
    keys.add(honoured(top, "dbs", Kind.SECTIONS));
    keys.add(honoured(top, "addr", Kind.TEXT));
    keys.add(noEffect(top, "mcp-addr", Kind.TEXT, NO_MCP));
    keys.add(honoured(top, "exec", Kind.TEXT));
    keys.add(honoured(top, "socket", Kind.SECTION));
    keys.add(honoured(top, "levels", Kind.SECTIONS));
    keys.add(honoured(top, "snapshot", Kind.SECTION));
    keys.add(honoured(top, "validation", Kind.SECTION));
    keys.add(honoured(top, "retention", Kind.SECTION));
    keys.add(honoured(top, "logging", Kind.SECTION));
    keys.add(honoured(top, "l0-retention", Kind.DURATION));
    keys.add(noEffect(top, "l0-retention-check-interval", Kind.POSITIVE_DURATION, WHEN_DUE));
    keys.add(noEffect(top, "verify-compaction", Kind.FLAG, ALWAYS_VERIFIED));
    keys.add(honoured(top, "heartbeat-url", Kind.SECRET));
    keys.add(honoured(top, "heartbeat-interval", Kind.DURATION));
    keys.add(honoured(top, "shutdown-sync-timeout", Kind.DURATION));
    keys.add(noEffect(top, "shutdown-sync-interval", Kind.POSITIVE_DURATION, SOON));
    keys.add(ours(top, "spool-limit", Kind.SIZE));
    keys.add(ours(top, "health-lag-limit", Kind.POSITIVE_DURATION));
  }

  private static void addSections(List<Key> keys) {
    keys.add(honoured(Scope.SOCKET, "enabled", Kind.FLAG));
    keys.add(honoured(Scope.SOCKET, "path", Kind.TEXT));
    keys.add(honoured(Scope.SOCKET, "permissions", Kind.MODE));
    keys.add(honoured(Scope.LEVEL, "interval", Kind.POSITIVE_DURATION));
    keys.add(
        noEffect(
            Scope.LEVEL,
            "retention",
            Kind.DURATION,
            "a level is kept as long as the snapshot that it follows on"));
    keys.add(honoured(Scope.SNAPSHOT, "interval", Kind.POSITIVE_DURATION));
    keys.add(honoured(Scope.SNAPSHOT, "retention", Kind.POSITIVE_DURATION));
    keys.add(noEffect(Scope.VALIDATION, "interval", Kind.DURATION, ALWAYS_VERIFIED));
    keys.add(honoured(Scope.RETENTION, "enabled", Kind.FLAG));
    keys.add(honoured(Scope.LOGGING, "level", Kind.TEXT));
    keys.add(honoured(Scope.LOGGING, "type", Kind.TEXT));
    keys.add(honoured(Scope.LOGGING, "stderr", Kind.FLAG));
    keys.add(honoured(Scope.LOGGING, "source", Kind.FLAG));
    String age = "nothing here encrypts with age: the replica would not be encrypted";
    keys.add(new Key(Scope.AGE, "identities", Kind.TEXTS, Effect.REFUSED, age, false));
    keys.add(new Key(Scope.AGE, "recipients", Kind.TEXTS, Effect.REFUSED, age, false));
  }

  private static void addDatabase(List<Key> keys) {
    Scope db = Scope.DATABASE;
    for (String name : List.of("path", "dir", "pattern", "meta-path", "meta-dir")) {
      keys.add(honoured(db, name, Kind.TEXT));
    }
    for (String name : List.of("recursive", "watch", "restore-if-db-not-exists")) {
      keys.add(honoured(db, name, Kind.FLAG));
    }
    keys.add(honoured(db, "snapshot", Kind.SECTION));
    keys.add(honoured(db, "replica", Kind.SECTION));
    keys.add(honoured(db, "replicas", Kind.SECTIONS));
    keys.add(honoured(db, "min-checkpoint-page-count", Kind.POSITIVE_COUNT));
    keys.add(
        noEffect(db, "monitor-interval", Kind.DURATION, "a commit is seen as soon as it is there"));
    keys.add(
        noEffect(
            db,
            "checkpoint-interval",
            Kind.DURATION,
            "the WAL is checkpointed when it is long and when the database rests"));
    keys.add(noEffect(db, "busy-timeout", Kind.DURATION, "no lock is waited for"));
    String barrier = "the WAL is kept short without it";
    keys.add(noEffect(db, "truncate-page-n", Kind.COUNT, barrier));
    keys.add(noEffect(db, "max-checkpoint-page-count", Kind.COUNT, barrier));
    keys.add(
        noEffect(db, "max-sync-wal-bytes", Kind.SIZE, "memory does not grow with the WAL anyway"));
    keys.add(ours(db, "spool-limit", Kind.SIZE));
  }

  private static void addReplica(List<Key> keys) {
    Scope replica = Scope.REPLICA;
    keys.add(honoured(replica, "type", Kind.TEXT));
    keys.add(honoured(replica, "path", Kind.TEXT));
    keys.add(honoured(replica, "url", Kind.SECRET));
    keys.add(noEffect(replica, "name", Kind.TEXT, "a database has one replica"));
    keys.add(noEffect(replica, "retention", Kind.DURATION, BY_SNAPSHOT));
    keys.add(noEffect(replica, "retention-check-interval", Kind.DURATION, BY_SNAPSHOT));
    keys.add(noEffect(replica, "snapshot-interval", Kind.DURATION, BY_SNAPSHOT));
  }

  /** Those that a replica has, and that the top level may have for all replicas. */
  private static void addShared(List<Key> keys, Scope scope) {
    keys.add(honoured(scope, "sync-interval", Kind.POSITIVE_DURATION));
    keys.add(noEffect(scope, "validation-interval", Kind.DURATION, ALWAYS_VERIFIED));
    keys.add(
        noEffect(scope, "max-sync-ltx-files", Kind.COUNT, "files are uploaded one after another"));
    keys.add(
        noEffect(scope, "auto-recover", Kind.FLAG, "a break in the history is always repaired"));
    for (String name : List.of("access-key-id", "secret-access-key", "sse-customer-key")) {
      keys.add(honoured(scope, name, Kind.SECRET));
    }
    for (String name :
        List.of(
            "bucket",
            "region",
            "endpoint",
            "storage-class",
            "sse-customer-algorithm",
            "sse-customer-key-path",
            "sse-kms-key-id")) {
      keys.add(honoured(scope, name, Kind.TEXT));
    }
    for (String name :
        List.of("force-path-style", "sign-payload", "require-content-md5", "skip-verify")) {
      keys.add(honoured(scope, name, Kind.FLAG));
    }
    keys.add(honoured(scope, "part-size", Kind.SIZE));
    keys.add(honoured(scope, "concurrency", Kind.POSITIVE_COUNT));
    keys.add(ours(scope, "lease", Kind.FLAG));
    keys.add(ours(scope, "lease-ttl", Kind.POSITIVE_DURATION));
    keys.add(ours(scope, "unsafe-no-conditional-writes", Kind.FLAG));
    keys.add(honoured(scope, "age", Kind.SECTION));
    addOtherStorages(keys, scope);
  }

  private static void addOtherStorages(List<Key> keys, Scope scope) {
    keys.add(noEffect(scope, "account-name", Kind.TEXT, IN_AZURE));
    keys.add(noEffect(scope, "account-key", Kind.SECRET, IN_AZURE));
    keys.add(noEffect(scope, "sas-token", Kind.SECRET, IN_AZURE));
    for (String name : List.of("host", "user", "key-path", "host-key")) {
      keys.add(noEffect(scope, name, Kind.TEXT, OVER_SFTP));
    }
    keys.add(noEffect(scope, "password", Kind.SECRET, OVER_SFTP + " or in NATS"));
    keys.add(noEffect(scope, "concurrent-writes", Kind.FLAG, OVER_SFTP));
    keys.add(noEffect(scope, "webdav-url", Kind.SECRET, OVER_WEBDAV));
    keys.add(noEffect(scope, "webdav-username", Kind.TEXT, OVER_WEBDAV));
    keys.add(noEffect(scope, "webdav-password", Kind.SECRET, OVER_WEBDAV));
    for (String name : List.of("jwt", "seed", "nkey", "token")) {
      keys.add(noEffect(scope, name, Kind.SECRET, IN_NATS));
    }
    for (String name : List.of("creds", "username", "client-cert", "client-key")) {
      keys.add(noEffect(scope, name, Kind.TEXT, IN_NATS));
    }
    keys.add(noEffect(scope, "tls", Kind.FLAG, IN_NATS));
    keys.add(noEffect(scope, "root-cas", Kind.TEXTS, IN_NATS));
    keys.add(noEffect(scope, "max-reconnects", Kind.INTEGER, IN_NATS));
    keys.add(noEffect(scope, "reconnect-wait", Kind.DURATION, IN_NATS));
    keys.add(noEffect(scope, "timeout", Kind.DURATION, IN_NATS));
  }

  private static Key honoured(Scope scope, String name, Kind kind) {
    return new Key(scope, name, kind, Effect.HONOURED, "", false);
  }

  private static Key ours(Scope scope, String name, Kind kind) {
    return new Key(scope, name, kind, Effect.HONOURED, "", true);
  }

  private static Key noEffect(Scope scope, String name, Kind kind, String reason) {
    return new Key(scope, name, kind, Effect.NO_EFFECT, reason, false);
  }

  /** Returns those of a scope. */
  static Collection<Key> of(Scope scope) {
    return ALL.getOrDefault(scope, Map.of()).values();
  }

  /** Returns the key of that name, if the scope has one. */
  static Optional<Key> find(Scope scope, String name) {
    return Optional.ofNullable(ALL.getOrDefault(scope, Map.of()).get(name));
  }

  /** Returns what to say of a name that the scope does not have: where it belongs, or its like. */
  static String suggestion(Scope scope, String name) {
    for (Scope other : List.of(Scope.REPLICA, Scope.DATABASE, Scope.TOP, Scope.LOGGING)) {
      if (other != scope && find(other, name).isPresent()) {
        return " (it belongs in " + other + ")";
      }
    }
    List<String> known = of(scope).stream().map(Key::name).toList();
    return NearestWord.of(name, known)
        .or(() -> NearestWord.of(name.replace('_', '-').toLowerCase(java.util.Locale.ROOT), known))
        .map(near -> " (did you mean \"" + near + "\"?)")
        .orElse("");
  }
}
