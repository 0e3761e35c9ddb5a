package dev.sluice.soak;

import dev.sluice.cache.restore.DatabasePlace;
import dev.sluice.cache.restore.Restorer;
import dev.sluice.ltx.LtxHeader;
import dev.sluice.ltx.Txid;
import dev.sluice.storage.LtxFileName;
import dev.sluice.storage.ReplicaClient;
import dev.sluice.storage.RequestMeter;
import dev.sluice.storage.Target;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.SQLException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * Looks at every TXID of a replica as it comes: does SQLite find the database well, and is its
 * content the one that belongs to its number? Confined to one thread at a time.
 */
final class Verifier implements AutoCloseable {
  private static final Duration SURELY = Duration.ofSeconds(60);

  private final Archive archive;
  private final Journal journal;
  private final Path folder;
  private final Replayed replayed;
  private final List<String> faults = new ArrayList<>();
  private Txid last = Txid.NONE;
  private long number;
  private final Map<Txid, Long> digests = new HashMap<>();
  private final List<LevelChain> levels = new ArrayList<>();
  private long faultCount;
  private boolean mayGoBack;

  /** Takes a journal of its own. */
  Verifier(Archive archive, Journal journal, Path folder) throws IOException {
    this.archive = archive;
    this.journal = journal;
    this.folder = folder;
    this.replayed = new Replayed(folder.resolve("replayed.db"));
    for (int level = 1; level <= LtxFileName.SNAPSHOT_LEVEL; level++) {
      levels.add(new LevelChain(archive, level, folder));
    }
  }

  /** Looks at the TXIDs that have come, at most so many, up to the first that is missing. */
  void update(int limit) throws IOException, SQLException {
    journal.read();
    for (int i = 0; i < limit; i++) {
      List<Path> file = archive.holding(last.next());
      if (file.isEmpty()) {
        return;
      }
      verify(last.next(), file.get(0));
      last = last.next();
    }
  }

  /** Takes it that the primary itself goes back to an earlier transaction. */
  void mayGoBack() {
    mayGoBack = true;
  }

  /** Looks at all that the replica has now; a TXID that is missing is a fault. */
  void updateAll() throws IOException, SQLException {
    archive.complete();
    update(Integer.MAX_VALUE);
    for (LevelChain level : levels) {
      List<String> wrong = level.update(digests);
      faultCount += wrong.size();
      faults.addAll(wrong);
    }
    if (archive.newest().isAfter(last)) {
      faultCount++;
      faults.add("no TXID after " + last + ", but " + archive.newest());
    }
  }

  private void verify(Txid txid, Path file) throws IOException, SQLException {
    LtxHeader header = replayed.apply(file);
    digests.put(txid, replayed.digest());
    try (Connection connection = replayed.open()) {
      String said = Application.value(connection, "PRAGMA integrity_check").orElse("nothing");
      if (!said.equals("ok")) {
        fault(txid, header, "integrity_check: " + said);
        return;
      }
      Rows.Shown shown = Rows.read(connection);
      if (!journal.isRight(shown)) {
        journal.read(); // it is written before the commit, but maybe after the last look
      }
      if (!journal.isRight(shown)) {
        fault(txid, header, "another content than that of number " + shown.number());
      } else if (shown.number() < number && !mayGoBack) {
        fault(txid, header, "number " + shown.number() + " after " + number);
      }
      number = Math.max(number, shown.number());
    } catch (SQLException | IllegalStateException e) {
      fault(txid, header, e.toString());
    }
  }

  private void fault(Txid txid, LtxHeader header, String what) {
    faultCount++;
    if (faults.size() < 20) {
      faults.add(
          "TXID " + txid + " (commit " + header.commit() + "): " + what.lines().limit(4).toList());
    }
  }

  /** Returns what was found wrong; the first twenty. */
  List<String> faults() {
    return List.copyOf(faults);
  }

  /** Returns how many TXIDs are wrong. */
  long faultCount() {
    return faultCount;
  }

  /** Returns the last TXID that was looked at. */
  Txid last() {
    return last;
  }

  /** Returns the number that it shows. */
  long number() {
    return number;
  }

  /** Returns the database as of the last TXID. */
  Path file() {
    return replayed.path();
  }

  /** Restores the last TXID as users do, from whatever levels the replica has; returns the file. */
  Path restore(ReplicaClient client) throws IOException {
    Path out = folder.resolve("restored.db");
    Files.deleteIfExists(out);
    try (Restorer restorer = new Restorer(client, new RequestMeter(), SURELY)) {
      restorer.restore(
          new Target.AtTxid(last), out, DatabasePlace.Existing.REFUSE, Restorer.Progress.none());
    }
    return out;
  }

  @Override
  public void close() throws IOException {
    replayed.close();
    for (LevelChain level : levels) {
      level.close();
    }
    journal.close();
  }
}
