package dev.sluice.replicator.control;

import dev.sluice.ltx.Txid;
import dev.sluice.replicator.DatabaseStatus;
import dev.sluice.replicator.control.Databases.Registered;
import dev.sluice.replicator.spool.SpoolGlance;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.InstantSource;
import java.time.temporal.ChronoUnit;
import java.util.Locale;
import java.util.Optional;

/** What the daemon says of one of its databases. */
final class Reports {
  private static final double NANOS_PER_SECOND = 1e9;

  private Reports() {}

  /** Returns the status as Litestream's list names it. */
  static String listedStatus(Registered database) {
    if (!database.isOpen()) {
      return "stopped";
    }
    boolean isCapturing = database.last().status().phase() == DatabaseStatus.Phase.CAPTURING;
    return isCapturing ? "replicating" : "open";
  }

  /** Returns when the replica last had everything, to the millisecond; empty if it never had. */
  static Optional<String> lastSync(Registered database, InstantSource clock) {
    return database
        .last()
        .sinceSynced()
        .map(since -> clock.instant().minus(since).truncatedTo(ChronoUnit.MILLIS).toString());
  }

  /** Returns the newest TXID captured: of a database that is not open, what its spool says. */
  static Txid captured(Registered database) {
    Txid cut = database.last().status().cut();
    return cut.equals(Txid.NONE)
        ? glance(database).flatMap(SpoolGlance::lastCut).orElse(Txid.NONE)
        : cut;
  }

  private static Optional<SpoolGlance> glance(Registered database) {
    try {
      return Optional.of(SpoolGlance.at(database.settings().metaPath()));
    } catch (IOException e) {
      return Optional.empty(); // what does not open has its trouble said elsewhere
    }
  }

  static DatabaseReport report(Registered database, InstantSource clock) {
    DatabaseStatus status = database.last().status();
    Txid captured = captured(database);
    boolean isKnown = !status.uploaded().equals(Txid.NONE);
    boolean isCapturing = status.phase() == DatabaseStatus.Phase.CAPTURING;
    return new DatabaseReport(
        database.path().toString(),
        status.replica(),
        status.phase().name().toLowerCase(Locale.ROOT),
        captured.equals(Txid.NONE) ? null : captured.toString(),
        isKnown ? status.uploaded().toString() : null,
        isCapturing ? seconds(status.lag()) : null,
        isKnown ? Math.max(0, captured.value() - status.uploaded().value()) : null,
        isCapturing
            ? Long.valueOf(status.waitingBytes())
            : glance(database).map(SpoolGlance::bytes).orElse(null),
        walBytes(database.path()).orElse(null),
        lastSync(database, clock).orElse(null),
        status.trouble().orElse(null));
  }

  static double seconds(Duration duration) {
    return duration.toNanos() / NANOS_PER_SECOND;
  }

  /** Returns the size of a database's WAL; empty if the file system does not say. */
  static Optional<Long> walBytes(Path database) {
    Path wal = Path.of(database + "-wal");
    try {
      return Optional.of(Files.exists(wal) ? Files.size(wal) : 0L);
    } catch (IOException e) {
      return Optional.empty();
    }
  }
}
