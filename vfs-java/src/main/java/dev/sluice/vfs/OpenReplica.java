package dev.sluice.vfs;

import dev.sluice.cache.Replica;
import java.util.concurrent.atomic.AtomicBoolean;

/**
 * A replica that stays open while nobody is connected to it, so that the next connection costs no
 * request. Thread-safe.
 *
 * <p>Connections made with {@link #jdbcUrl()} hold the replica too; they may outlive this object,
 * new ones may not be made after {@link #close()}.
 */
public final class OpenReplica implements AutoCloseable {
  private final Replica replica;
  private final String number;
  private final Runnable release;
  private final AtomicBoolean isClosed = new AtomicBoolean();

  OpenReplica(Replica replica, String number, Runnable release) {
    this.replica = replica;
    this.number = number;
    this.release = release;
  }

  /**
   * Returns the URL for {@link java.sql.DriverManager}; it names this object and holds no
   * credential.
   */
  public String jdbcUrl() {
    return "jdbc:sqlite:file:replica-"
        + number
        + "?vfs=litestream&mode=ro&"
        + ReplicaParameters.REPLICA_OPEN
        + "="
        + number;
  }

  /** Returns the process's replica: its requests, its latest view. */
  public Replica replica() {
    return replica;
  }

  /** Lets go of the replica; it ends with its last connection. Idempotent. */
  @Override
  public void close() {
    if (isClosed.compareAndSet(false, true)) {
      release.run();
    }
  }
}
