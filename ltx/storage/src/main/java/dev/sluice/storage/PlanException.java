package dev.sluice.storage;

import dev.sluice.ltx.Txid;
import java.io.IOException;
import java.time.Instant;
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

    private final long belowOrNone;
    private final long aboveOrNone;

    private NotReachable(String message, Optional<Txid> below, Optional<Txid> above) {
      super(message);
      this.belowOrNone = below.orElse(Txid.NONE).value();
      this.aboveOrNone = above.orElse(Txid.NONE).value();
    }

    static NotReachable txid(Txid target, Optional<Txid> below, Optional<Txid> above) {
      String message =
          "TXID "
              + target
              + " is not reachable: the nearest below is "
              + nameOf(below)
              + ", above "
              + nameOf(above);
      return new NotReachable(message, below, above);
    }

    static NotReachable time(Instant before, Optional<Txid> above) {
      return new NotReachable(
          "there is no state before " + before + ": the oldest TXID is " + nameOf(above),
          Optional.empty(),
          above);
    }

    private static String nameOf(Optional<Txid> txid) {
      return txid.map(Txid::toString).orElse("none");
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
