package dev.sluice.cli;

import dev.sluice.ltx.Txid;
import dev.sluice.replicator.DatabaseSettings;
import dev.sluice.replicator.config.DatabaseEntry;
import dev.sluice.replicator.control.DatabaseReport;
import dev.sluice.replicator.spool.SpoolGlance;
import dev.sluice.storage.Listings;
import dev.sluice.storage.LtxFile;
import dev.sluice.storage.ReplicaClient;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/**
 * How far a database is whose daemon cannot be asked, if it has one: what its spool and its replica
 * hold.
 */
final class OfflineStatus {
  private final Terminal terminal;

  OfflineStatus(Terminal terminal) {
    this.terminal = terminal;
  }

  /** Returns what can be told; of the replica only if the configuration has it. */
  DatabaseReport report(Path database, Optional<DatabaseEntry> entry) {
    Optional<Txid> local = Optional.empty();
    Optional<Txid> remote = Optional.empty();
    Optional<Long> spoolBytes = Optional.empty();
    Optional<String> trouble = Optional.empty();
    boolean isInUse = false;
    Path meta = entry.map(DatabaseEntry::metaPath).orElse(DatabaseSettings.of(database).metaPath());
    try {
      isInUse = SpoolGlance.isInUse(meta);
      SpoolGlance spool = SpoolGlance.at(meta);
      local = spool.lastCut().filter(txid -> !txid.equals(Txid.NONE));
      spoolBytes = spool.lastCut().map(txid -> spool.bytes());
      remote = entry.isPresent() ? newest(entry.get()) : Optional.empty();
    } catch (IOException e) {
      trouble = Optional.of(Failure.why(e));
    }
    Optional<Long> lag =
        local.isPresent() && remote.isPresent()
            ? Optional.of(Math.max(0, local.get().value() - remote.get().value()))
            : Optional.empty();
    return new DatabaseReport(
        database.toString(),
        entry.map(one -> one.replica().url().location()).orElse(null),
        isInUse ? "no socket" : Files.exists(database) ? "no daemon" : "no database",
        local.map(Txid::toString).orElse(null),
        remote.map(Txid::toString).orElse(null),
        null,
        lag.orElse(null),
        spoolBytes.orElse(null),
        null,
        null,
        trouble.orElse(null));
  }

  private Optional<Txid> newest(DatabaseEntry entry) throws IOException {
    try (ReplicaClient client = entry.replica().open(terminal.environment())) {
      Optional<Txid> newest = Optional.empty();
      long limitMillis = terminal.openTimeout().toMillis();
      for (LtxFile file : Listings.all(client).get(limitMillis, TimeUnit.MILLISECONDS)) {
        Txid max = file.name().range().max();
        newest = newest.isEmpty() || max.isAfter(newest.get()) ? Optional.of(max) : newest;
      }
      return newest;
    } catch (ExecutionException e) {
      throw e.getCause() instanceof IOException known ? known : new IOException(e.getCause());
    } catch (TimeoutException e) {
      throw new IOException("no answer of " + entry.replica().url().location(), e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IOException("interrupted", e);
    }
  }
}
