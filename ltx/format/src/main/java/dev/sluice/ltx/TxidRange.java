package dev.sluice.ltx;

/**
 * The TXIDs that one LTX file covers, both ends included. Immutable.
 *
 * @param min the first TXID, at least 1
 * @param max the last TXID, at least {@code min}
 */
public record TxidRange(Txid min, Txid max) {

  public TxidRange {
    if (min.equals(Txid.NONE)) {
      throw new IllegalArgumentException("min TXID is 0");
    }
    if (max.isBefore(min)) {
      throw new IllegalArgumentException("max TXID " + max + " is before min TXID " + min);
    }
  }

  /**
   * Returns whether a file of this range holds every page of the database: its history begins at
   * TXID 1.
   */
  public boolean isSnapshot() {
    return min.equals(Txid.FIRST);
  }

  /**
   * Returns whether a file of this range may be applied to a history that ends at {@code last};
   * overlap is allowed.
   */
  public boolean follows(Txid last) {
    return !min.isAfter(last.next()) && max.isAfter(last);
  }

  public boolean contains(Txid txid) {
    return !txid.isBefore(min) && !txid.isAfter(max);
  }

  /** Returns {@code <min>-<max>}, as in file names. */
  @Override
  public String toString() {
    return min + "-" + max;
  }
}
