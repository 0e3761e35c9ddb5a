package dev.sluice.replicator.control;

import com.fasterxml.jackson.annotation.JsonProperty;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * What goes over the control socket, member for member as Litestream's does: each side understands
 * the other's. Only {@code GET /status} is ours alone. All immutable; TXIDs are numbers, times RFC
 * 3339, timeouts whole seconds.
 */
public final class ControlMessages {
  private ControlMessages() {}

  /** To start, stop or unregister a database; a timeout of 0 is the default. */
  public record DatabaseRequest(@Nullable String path, int timeout) {}

  /** To have a database's commits brought into its replica. */
  public record SyncRequest(
      @Nullable String path, @JsonProperty("wait") boolean isWaiting, int timeout) {}

  /** To replicate one more database. */
  public record RegisterRequest(@Nullable String path, @Nullable String replicaUrl) {}

  /** What was done to a database. */
  public record DatabaseAnswer(String status, String path, @Nullable Long txid) {}

  /** What a sync came to. */
  public record SyncAnswer(String status, String path, long txid, long replicatedTxid) {}

  /** The newest TXID of a database. */
  public record TxidAnswer(long txid) {}

  /** The databases of the daemon. */
  public record ListAnswer(List<Listed> databases) {
    public ListAnswer {
      databases = List.copyOf(databases);
    }
  }

  /** One database; when its replica last had everything is missing if it never had. */
  public record Listed(String path, String status, @Nullable String lastSyncAt) {}

  /** The daemon. */
  public record InfoAnswer(
      String version, long pid, long uptimeSeconds, String startedAt, int databaseCount) {}

  /** How far all databases are. */
  public record StatusAnswer(List<DatabaseReport> databases) {
    public StatusAnswer {
      databases = List.copyOf(databases);
    }
  }

  /** Why a request was not done. */
  public record Failed(String error) {}
}
