package dev.sluice.cache;

import java.io.IOException;
import java.util.function.Consumer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Tells the listener what happens to one replica. What a listener throws goes to the log and
 * nowhere else. Thread-safe.
 */
final class Announcer {
  private static final Logger log = LoggerFactory.getLogger(Announcer.class);

  private final Replica replica;
  private final ReplicaListener listener;

  Announcer(Replica replica, ReplicaListener listener) {
    this.replica = replica;
    this.listener = listener;
  }

  void opened() {
    tell(told -> told.opened(replica));
  }

  void closed() {
    tell(told -> told.closed(replica));
  }

  void published(View view) {
    tell(told -> told.published(replica, view));
  }

  void hydrated(View view) {
    tell(told -> told.hydrated(replica, view));
  }

  void relocated(long pages) {
    if (pages > 0) {
      tell(told -> told.relocated(replica, pages));
    }
  }

  void rescued(long pages) {
    if (pages > 0) {
      tell(told -> told.rescued(replica, pages));
    }
  }

  void failed(IOException failure) {
    tell(told -> told.failed(replica, failure));
  }

  void ended(ViewException reason) {
    tell(told -> told.ended(replica, reason));
  }

  private void tell(Consumer<ReplicaListener> news) {
    try {
      news.accept(listener);
    } catch (RuntimeException | LinkageError e) {
      log.warn("the listener of {} failed", replica.location(), e);
    }
  }
}
