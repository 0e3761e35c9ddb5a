package dev.sluice.replicator;

import dev.sluice.ltx.Txid;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Optional;

/**
 * How far the replication of one database is. Immutable.
 *
 * @param database its path
 * @param replica its place, without credentials
 * @param phase what is being done
 * @param cut the newest TXID that is in the spool or in the replica; {@link Txid#NONE} if there is
 *     none or it is not known yet
 * @param uploaded the newest TXID that the replica is known to have; {@link Txid#NONE} if not known
 * @param lag how long the oldest commit waits that the replica does not have; zero if there is none
 * @param waitingBytes what of the spool the replica does not have
 * @param trouble why it does not go on; empty if it does
 */
public record DatabaseStatus(
    Path database,
    String replica,
    Phase phase,
    Txid cut,
    Txid uploaded,
    Duration lag,
    long waitingBytes,
    Optional<String> trouble) {

  /** What is being done for a database. */
  public enum Phase {
    /** The database cannot be captured now: it is not there yet, or {@link #trouble} says why. */
    WAITING,
    /** It is being opened, and what was missed is captured. */
    OPENING,
    /** Each commit is captured. */
    CAPTURING,
    /** It was told to end, and ships what it has. */
    ENDING,
    /** It has ended, or a person must look: {@link #trouble} says why. */
    STOPPED
  }

  /** Returns whether each commit is captured, and the replica is known to have all of them. */
  public boolean isSynced() {
    return phase == Phase.CAPTURING && lag.isZero() && cut.equals(uploaded);
  }

  DatabaseStatus withLag(Duration longer) {
    return new DatabaseStatus(
        database, replica, phase, cut, uploaded, longer, waitingBytes, trouble);
  }
}
