package dev.sluice.vfs;

import dev.sluice.cache.Patience;
import dev.sluice.cache.Replica;
import dev.sluice.cache.View;
import dev.sluice.storage.text.Times;
import java.io.IOException;
import java.lang.ref.WeakReference;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.time.Duration;
import java.time.Instant;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * One connection's file over the process's replica. Confined to one thread at a time; closed once.
 */
final class ReplicaConnection implements ReplicaFile {
  private static final long FIRST_EPOCH = 1;

  private final Replica replica;
  private final Optional<View> fixed;
  private final Terms terms;
  private final long controlAddress;
  private @Nullable View pinned;
  private String error = "";

  /**
   * The last word that was read under, and its view: the control forgets views that nobody pins, so
   * this does not hold one.
   */
  private long lastWord;

  private WeakReference<@Nullable View> lastView = new WeakReference<>(null);

  /**
   * What one connection has for itself.
   *
   * @param readTimeout how long a read may take
   * @param release gives the replica back
   */
  record Terms(Duration readTimeout, Runnable release) {}

  /** Takes a replica whose latest view is open, or a fixed view of it. */
  ReplicaConnection(Replica replica, Optional<View> fixed, Terms terms) {
    this.replica = replica;
    this.fixed = fixed;
    this.terms = terms;
    this.controlAddress = Upcalls.address(replica.control().memory());
  }

  @Override
  public long controlAddress() {
    return controlAddress;
  }

  @Override
  public boolean isFixed() {
    return fixed.isPresent();
  }

  @Override
  public void read(long word, long pgno, ByteBuffer dst) throws IOException {
    replica.read(view(word), pgno, dst, Patience.of(terms.readTimeout()));
  }

  private View view(long word) {
    View view = word == 0 ? pinned : word == lastWord ? lastView.get() : null;
    if (view != null) {
      return view;
    }
    View found =
        replica
            .control()
            .view(word)
            .orElseThrow(
                () ->
                    new IllegalStateException(
                        "no view is pinned by the word " + Long.toHexString(word)));
    lastWord = word;
    lastView = new WeakReference<>(found);
    return found;
  }

  @Override
  public void pin(ByteBuffer dst) {
    View view = fixed.or(replica::published).orElseThrow();
    pinned = view;
    dst.order(ByteOrder.nativeOrder())
        .putLong(view.txid().value())
        .putInt((int) view.commit())
        .putInt(view.pageSize())
        .putLong(FIRST_EPOCH)
        .putLong(view.time().toEpochMilli())
        .put(view.pageOneHeader());
  }

  @Override
  public void unpin() {
    pinned = null;
  }

  @Override
  public String time(long timeMillis) {
    return timeMillis <= 0 ? "latest" : Times.format(Instant.ofEpochMilli(timeMillis));
  }

  @Override
  public long lagSeconds(long txid) {
    Optional<Duration> sinceProven =
        replica
            .published()
            .filter(view -> view.txid().value() == txid)
            .flatMap(replica::sinceProven);
    return sinceProven.map(Duration::toSeconds).orElse(-1L);
  }

  @Override
  public String error() {
    return error.isEmpty() ? replica.lastError().orElse("") : error;
  }

  @Override
  public void failed(String reason) {
    error = reason;
  }

  @Override
  public void close() {
    terms.release().run();
  }
}
