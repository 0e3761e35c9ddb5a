package dev.sluice.replicator;

import dev.sluice.ltx.Txid;
import java.time.Duration;
import java.util.Optional;

/**
 * For how long a database has been in trouble, all in all, since something of it was last cut or
 * shipped. A trouble that is gone while all is tried again is not over by that; while nothing is
 * wrong it may take as long as it takes. Confined to one thread at a time.
 */
final class Patience {
  private final Duration limit;
  private Txid cut = Txid.NONE;
  private Txid uploaded = Txid.NONE;
  private long troubledNanos;
  private Optional<Long> troubleSeenNanos = Optional.empty();

  Patience(Duration limit) {
    this.limit = limit;
  }

  /** Takes what is so now, and returns whether it was long enough. */
  boolean isOver(DatabaseStatus is, long nowNanos) {
    boolean goesOn = is.cut().isAfter(cut) || is.uploaded().isAfter(uploaded);
    if (goesOn) { // a replica that is checked anew has nothing until then
      cut = is.cut().isAfter(cut) ? is.cut() : cut;
      uploaded = is.uploaded().isAfter(uploaded) ? is.uploaded() : uploaded;
      troubledNanos = 0;
    } else {
      troubledNanos += troubleSeenNanos.map(seen -> nowNanos - seen).orElse(0L);
    }
    troubleSeenNanos = is.trouble().map(why -> nowNanos);
    return is.trouble().isPresent() && troubledNanos >= limit.toNanos();
  }
}
