package dev.sluice.replicator;

import dev.sluice.ltx.Txid;
import dev.sluice.replicator.DatabaseStatus.Phase;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Optional;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * How far a database's replication was when it was last seen. That stays known while nothing is
 * open of it, and a commit that waits goes on waiting. What is worth a line is logged. Confined to
 * the database's step.
 */
final class Standing {
  private static final Logger log = LoggerFactory.getLogger(Standing.class);

  private final Path database;
  private final String replica;
  private boolean isAwaited;
  private boolean isCaptured;
  private Txid cut = Txid.NONE;
  private Txid uploaded = Txid.NONE;
  private long waitingBytes;
  private Optional<Long> sinceNanos = Optional.empty();

  Standing(Path database, String replica) {
    this.database = database;
    this.replica = replica;
  }

  /** Takes note of whether nothing is to be done before the database's file comes. */
  void awaits(boolean isToCome) {
    if (isToCome && !isAwaited) {
      log.info("{} is waited for: there is no such file", database);
    }
    isAwaited = isToCome;
  }

  /** Returns the newest TXID that the replica was known to have. */
  Txid uploaded() {
    return uploaded;
  }

  /** Takes note of what is open; not while a job has it. */
  void seen(OpenDatabase open, Phase phase) {
    boolean isNew = !isCaptured && phase == Phase.CAPTURING;
    isCaptured = phase == Phase.CAPTURING;
    cut = open.spool().lastCut().txid();
    uploaded = open.shipping().uploaded();
    waitingBytes = open.shipping().waitingBytes();
    sinceNanos = open.shipping().sinceNanos();
    if (isNew) {
      log.info("{} is captured from TXID {} on", database, cut);
    }
  }

  /** What has come in this very step waits already: its lag is not zero. */
  DatabaseStatus status(Phase phase, Optional<String> trouble, long now) {
    return new DatabaseStatus(
        database,
        replica,
        phase,
        cut,
        uploaded,
        Duration.ofNanos(sinceNanos.map(since -> Math.max(1, now - since)).orElse(0L)),
        waitingBytes,
        trouble);
  }
}
