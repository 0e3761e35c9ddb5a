package dev.sluice.storage;

import dev.sluice.ltx.Txid;
import java.io.IOException;
import java.time.Instant;
import java.util.Map;
import java.util.Optional;

/**
 * No files of a replica lead to the target. Each subtype is a different thing for the caller to do.
 */
public abstract sealed class PlanException extends IOException {
  private static final long serialVersionUID = 1L;

  private PlanException(String message) {
    super(message);
  }

  /** The replica has no files at all: wait for the first one. */
  public static final class NoFiles extends PlanException {
    private static final long serialVersionUID = 1L;

    public NoFiles() {
      super("no files yet");
    }
  }

  /**
   * A file in the middle, or the first one, is not usable: list again, it may have been compacted
   * meanwhile.
   */
  public static final class Gap extends PlanException {
    private static final long serialVersionUID = 1L;

    private final long lastGood;

    /**
     * @param lastGood the TXID up to which history is whole, {@link Txid#NONE} if its first file is
     *     missing
     */
    public Gap(Txid lastGood) {
      super(
          lastGood.equals(Txid.NONE)
              ? "the history has a gap: no file begins at TXID " + Txid.FIRST
              : "the history has a gap: the last good TXID is "
                  + lastGood
                  + ", TXID "
                  + lastGood.next()
                  + " is missing");
      this.lastGood = lastGood.value();
    }

    public Txid lastGood() {
      return new Txid(lastGood);
    }

    /** Returns the first TXID that no usable file covers. */
    public Txid missing() {
      return lastGood().next();
    }
  }

  /** History is whole as far as it goes, but no file ends at the target: choose another. */
  public static final class NotReachable extends PlanException {
    private static final long serialVersionUID = 1L;

    private final String target;
    private final boolean isTime;
    private final long belowOrNone;
    private final long aboveOrNone;

    private NotReachable(
        String target,
        boolean isTime,
        Optional<Txid> below,
        Optional<Txid> above,
        Map<Txid, Instant> times) {
      super(
          isTime
              ? "there is no state before " + target + ": the oldest TXID is " + named(above, times)
              : "TXID "
                  + target
                  + " is not reachable: the nearest below is "
                  + named(below, times)
                  + ", above "
                  + named(above, times));
      this.target = target;
      this.isTime = isTime;
      this.belowOrNone = below.orElse(Txid.NONE).value();
      this.aboveOrNone = above.orElse(Txid.NONE).value();
    }

    static NotReachable txid(Txid target, Optional<Txid> below, Optional<Txid> above) {
      return new NotReachable(target.toString(), false, below, above, Map.of());
    }

    static NotReachable time(Instant before, Optional<Txid> above) {
      return new NotReachable(before.toString(), true, Optional.empty(), above, Map.of());
    }

    private static String named(Optional<Txid> txid, Map<Txid, Instant> times) {
      return txid.map(
              known -> known + (times.containsKey(known) ? " (" + times.get(known) + ")" : ""))
          .orElse("none");
    }

    /**
     * Returns the same with the times of the TXIDs that it names.
     *
     * @param times those that are known
     */
    public NotReachable dated(Map<Txid, Instant> times) {
      NotReachable dated = new NotReachable(target, isTime, below(), above(), times);
      dated.setStackTrace(getStackTrace());
      return dated;
    }

    /** Returns the greatest reachable TXID before the target. */
    public Optional<Txid> below() {
      return Optional.of(new Txid(belowOrNone)).filter(txid -> !txid.equals(Txid.NONE));
    }

    /** Returns the smallest reachable TXID after the target. */
    public Optional<Txid> above() {
      return Optional.of(new Txid(aboveOrNone)).filter(txid -> !txid.equals(Txid.NONE));
    }
  }
}
