package dev.sluice.replicator;

import dev.sluice.ltx.Txid;
import dev.sluice.replicator.DatabaseStatus.Phase;
import java.util.Optional;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Tells who listens what is new of a database. Confined to the database's step. */
final class Announcements {
  private static final Logger log = LoggerFactory.getLogger(Announcements.class);

  private final ReplicatorListener listener;
  private Txid told = Txid.NONE;
  private Phase phase = Phase.WAITING;
  private Optional<Trouble.Kind> troubleKind = Optional.empty();

  Announcements(ReplicatorListener listener) {
    this.listener = listener;
  }

  /** Tells what the status says and the one before did not; of which the trouble is the text. */
  void tell(DatabaseStatus is, Optional<Trouble> trouble) {
    Optional<Trouble.Kind> kind = trouble.map(Trouble::kind);
    boolean isOther = phase != is.phase() || !troubleKind.equals(kind);
    phase = is.phase();
    troubleKind = kind;
    try {
      if (told.isBefore(is.uploaded())) {
        told = is.uploaded();
        listener.onUploaded(is.database(), told);
      }
      if (isOther) {
        listener.onStatus(is);
      }
    } catch (RuntimeException | Error e) {
      log.error("a listener failed", e);
    }
  }
}
