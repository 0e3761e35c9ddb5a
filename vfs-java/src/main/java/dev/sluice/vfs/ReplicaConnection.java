package dev.sluice.vfs;

import dev.sluice.cache.Patience;
import dev.sluice.cache.Replica;
import dev.sluice.cache.View;
import dev.sluice.cache.ViewException;
import dev.sluice.ltx.Txid;
import dev.sluice.storage.Target;
import dev.sluice.storage.text.Times;
import java.io.IOException;
import java.lang.ref.WeakReference;
import java.math.BigDecimal;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.Locale;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * One connection's file over the process's replica.
 *
 * <p>It reads the latest view, or one of its own: fixed at open, or chosen later by its time.
 * Confined to one thread at a time; closed once.
 */
final class ReplicaConnection implements ReplicaFile {
  private static final long FIRST_EPOCH = 1;

  /** A wait of 30 years; what is longer is a slip. */
  private static final BigDecimal SECONDS_MAX = BigDecimal.valueOf(1_000_000_000);

  private final Replica replica;
  private final boolean isFixed;
  private final Terms terms;
  private final long controlAddress;

  /** The view of this connection alone, empty if it is the latest. */
  private Optional<HeldView> own;

  /** The view that is pinned through Java. */
  private Optional<HeldView> pinned = Optional.empty();

  /** How often this connection was moved: each time SQLite shall read the schema anew. */
  private int jumps;

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
   * @param patience how its thread waits for a read, or an open
   * @param clock what relative times count from
   * @param release gives the replica back
   */
  record Terms(Patience patience, Clock clock, Runnable release) {}

  /** Takes a replica whose latest view is open, or a fixed view of it. */
  ReplicaConnection(Replica replica, Optional<View> fixed, Terms terms) {
    this.replica = replica;
    this.isFixed = fixed.isPresent();
    this.own = fixed.map(view -> HeldView.of(replica, view));
    this.terms = terms;
    this.controlAddress = Upcalls.address(replica.control().memory());
  }

  @Override
  public long controlAddress() {
    return controlAddress;
  }

  @Override
  public long storeAddress() {
    return replica.storeAddress();
  }

  @Override
  public boolean isFixed() {
    return isFixed;
  }

  @Override
  public void read(long word, long pgno, ByteBuffer dst) throws IOException {
    if (isFixed) {
      replica.requireSame(); // its only pin was at open
    }
    replica.read(view(word), pgno, dst, terms.patience());
  }

  private View view(long word) {
    if (word == 0) {
      return pinned.orElseThrow(() -> new IllegalStateException("no view is pinned here")).view();
    }
    View view = word == lastWord ? lastView.get() : null;
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
  public void pin(ByteBuffer dst) throws IOException {
    replica.requireSame();
    View view = own.map(HeldView::view).or(replica::published).orElseThrow();
    pinned = Optional.of(HeldView.of(replica, view));
    dst.order(ByteOrder.nativeOrder())
        .putLong(view.txid().value())
        .putInt((int) view.commit())
        .putInt(view.pageSize())
        .putLong(FIRST_EPOCH)
        .putLong(view.time().toEpochMilli())
        .put(view.pageOneHeader(own.isPresent() ? jumps : 0));
  }

  @Override
  public void unpin() {
    pinned.ifPresent(HeldView::close);
    pinned = Optional.empty();
  }

  @Override
  public String setTime(String time) throws IOException {
    Target target = Times.parse(time, terms.clock().instant());
    replica.requireSame();
    Optional<HeldView> chosen =
        target instanceof Target.Latest
            ? Optional.empty()
            : Optional.of(HeldView.of(replica, replica.at(target, terms.patience())));
    own.ifPresent(HeldView::close);
    own = chosen;
    jumps++;
    return chosen.map(held -> held.view().txid().toString()).orElse("");
  }

  @Override
  public String awaitTxid(String txid, String seconds) throws IOException {
    Txid awaited = Txid.parse(txid);
    Duration limit = duration(seconds);
    replica.requireSame();
    Patience patience = new Patience(limit, terms.patience().isCancelled());
    return replica.awaitTxid(awaited, patience).txid().toString();
  }

  /** Reads seconds, with a fraction or not; no time is the least that can be waited. */
  private static Duration duration(String seconds) {
    BigDecimal number;
    try {
      number = new BigDecimal(seconds.strip());
    } catch (NumberFormatException e) {
      throw new IllegalArgumentException("not a number of seconds: \"" + seconds + "\"", e);
    }
    if (number.signum() < 0 || number.compareTo(SECONDS_MAX) > 0) {
      throw new IllegalArgumentException(
          "not between 0 and " + SECONDS_MAX.toPlainString() + " seconds: \"" + seconds + "\"");
    }
    return Duration.ofMillis(Math.max(1, number.movePointRight(3).longValue()));
  }

  @Override
  public String time(long timeMillis) {
    return timeMillis <= 0 ? "latest" : Times.format(Instant.ofEpochMilli(timeMillis));
  }

  @Override
  public long lagSeconds(long word) {
    return replica.sinceProven(view(word)).map(Duration::toSeconds).orElse(-1L);
  }

  @Override
  public String hydrationProgress() {
    double percent = replica.hydrationPercent();
    return percent == 0 ? "0" : String.format(Locale.ROOT, "%.1f", percent);
  }

  @Override
  public String hydrationFile() {
    return replica.hydrationFile().map(Path::toString).orElse("");
  }

  @Override
  public String error() {
    return error.isEmpty() ? endOfReplica().or(replica::lastError).orElse("") : error;
  }

  private Optional<String> endOfReplica() {
    try {
      replica.requireSame();
      return Optional.empty();
    } catch (ViewException e) {
      return Optional.of(String.valueOf(e.getMessage()));
    }
  }

  @Override
  public void failed(String reason) {
    error = reason;
  }

  @Override
  public void close() {
    unpin();
    own.ifPresent(HeldView::close);
    own = Optional.empty();
    terms.release().run();
  }
}
