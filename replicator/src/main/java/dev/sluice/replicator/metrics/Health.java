package dev.sluice.replicator.metrics;

import dev.sluice.replicator.DatabaseStatus;
import dev.sluice.replicator.ReplicatedDatabase;
import dev.sluice.replicator.control.Databases;
import dev.sluice.replicator.control.Databases.Registered;
import dev.sluice.replicator.control.HttpCall;
import dev.sluice.replicator.control.HttpReply;
import java.nio.file.Files;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;

/**
 * Says which databases are not replicated as they should be.
 *
 * <p>One is not healthy when its replica has not had everything for longer than the limit, when
 * something else of it, such as a compaction, has failed for longer than that, or when it has given
 * up. One that somebody has stopped, or that is not there and has left nothing, is nobody's fault.
 * Thread-safe.
 */
public final class Health {
  /** How far behind a database may be. */
  public static final Duration LAG_LIMIT = Duration.ofMinutes(1);

  private final Databases databases;
  private final Duration lagLimit;

  public Health(Databases databases, Duration lagLimit) {
    this.databases = databases;
    this.lagLimit = lagLimit;
  }

  /** Returns a line for each database that is not healthy. */
  public List<String> problems() {
    List<String> problems = new ArrayList<>();
    for (Registered database : databases.all()) {
      problem(database).ifPresent(why -> problems.add(database.path() + ": " + why));
    }
    return problems;
  }

  /** Returns what is wrong with a database; empty if nothing is. */
  Optional<String> problem(Registered database) {
    ReplicatedDatabase last = database.last();
    DatabaseStatus status = last.status();
    if (database.isStopped() || isWaitedFor(database)) {
      return Optional.empty();
    }
    String why = status.trouble().orElse(status.waitingBytes() + " bytes wait");
    if (!database.isOpen()) {
      return Optional.of("given up: " + why);
    }
    if (last.unsyncedFor().compareTo(lagLimit) > 0) {
      return Optional.of(last.unsyncedFor().toSeconds() + " s behind: " + why);
    }
    return last.troubledFor().compareTo(lagLimit) > 0
        ? Optional.of("in trouble for " + last.troubledFor().toSeconds() + " s: " + why)
        : Optional.empty();
  }

  /**
   * Returns whether a database is not there yet, and will be replicated when it comes. One whose
   * spool has something to ship, or cannot be shipped, was there before.
   */
  static boolean isWaitedFor(Registered database) {
    DatabaseStatus status = database.last().status();
    boolean isNew = database.last().sinceSynced().isEmpty();
    boolean isNothingLeft = status.waitingBytes() == 0 && status.trouble().isEmpty();
    return isNew && isNothingLeft && !Files.exists(database.path()) && database.isOpen();
  }

  /** Answers {@code /healthz}: 200 and {@code ok}, or 503 and the lines. */
  public CompletableFuture<HttpReply> answer(HttpCall call) {
    List<String> problems = problems();
    return CompletableFuture.completedFuture(
        problems.isEmpty()
            ? HttpReply.text(HttpReply.OK, "ok\n")
            : HttpReply.text(HttpReply.UNAVAILABLE, String.join("\n", problems) + "\n"));
  }
}
