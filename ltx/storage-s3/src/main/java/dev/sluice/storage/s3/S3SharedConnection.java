package dev.sluice.storage.s3;

import dev.sluice.storage.Environment;
import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.Executor;
import java.util.concurrent.atomic.AtomicBoolean;
import software.amazon.awssdk.services.s3.S3AsyncClient;

/**
 * One replica's share of a connection: replicas of one bucket with the same settings and the same
 * environment have sockets and threads in common, so that a thousand of them need as many as one.
 * The last share to be closed ends them. Thread-safe.
 */
final class S3SharedConnection implements AutoCloseable {
  // Both change under the lock of the map.
  private static final Map<Key, Shared> OPEN = new HashMap<>();

  private final Key key;
  private final S3Connection connection;
  private final AtomicBoolean isClosed = new AtomicBoolean();

  private record Key(S3Settings settings, Environment environment) {}

  private record Shared(S3Connection connection, int count) {}

  private S3SharedConnection(Key key, S3Connection connection) {
    this.key = key;
    this.connection = connection;
  }

  /** Returns a share; the connection is made if nobody has one. */
  static S3SharedConnection open(S3Settings settings, Environment environment) {
    Key key = new Key(settings, environment);
    synchronized (OPEN) {
      Shared before = OPEN.get(key);
      S3Connection connection =
          before == null ? S3Connection.open(settings, environment) : before.connection();
      OPEN.put(key, new Shared(connection, before == null ? 1 : before.count() + 1));
      return new S3SharedConnection(key, connection);
    }
  }

  S3AsyncClient client() {
    return connection.client();
  }

  Executor starts() {
    return connection.starts();
  }

  /** Gives the share back. Idempotent. */
  @Override
  public void close() {
    if (isClosed.compareAndSet(false, true) && isLast()) {
      connection.close();
    }
  }

  private boolean isLast() {
    synchronized (OPEN) {
      Shared before = OPEN.get(key);
      if (before == null || before.count() == 1) {
        OPEN.remove(key);
        return true;
      }
      OPEN.put(key, new Shared(connection, before.count() - 1));
      return false;
    }
  }
}
