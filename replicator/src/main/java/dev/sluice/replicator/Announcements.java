package dev.sluice.replicator;

import dev.sluice.ltx.Txid;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Tells who listens what is new of a database. Confined to the database's step. */
final class Announcements {
  private static final Logger log = LoggerFactory.getLogger(Announcements.class);

  private final ReplicatorListener listener;
  private Txid told = Txid.NONE;

  Announcements(ReplicatorListener listener) {
    this.listener = listener;
  }

  /** Tells what the status says and the one before did not. */
  void tell(DatabaseStatus before, DatabaseStatus is) {
    try {
      if (told.isBefore(is.uploaded())) {
        told = is.uploaded();
        listener.onUploaded(is.database(), told);
      }
      if (before.phase() != is.phase() || !before.trouble().equals(is.trouble())) {
        listener.onStatus(is);
      }
    } catch (RuntimeException | Error e) {
      log.error("a listener failed", e);
    }
  }
}
