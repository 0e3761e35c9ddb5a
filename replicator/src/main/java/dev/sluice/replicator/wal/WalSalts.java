package dev.sluice.replicator.wal;

/**
 * The two numbers that all frames of one WAL generation carry: from one reset of the WAL to the
 * next. The first goes up by one at a reset, or both are random after a truncation, so the same
 * salts need not mean the same generation: only the running checksum proves that. Immutable.
 *
 * @param salt1 as in the WAL header, unsigned
 * @param salt2 as in the WAL header, unsigned
 */
public record WalSalts(int salt1, int salt2) {

  /** Returns both as 8 hex digits each: {@code 1f8cc3f5-65f9a600}. */
  @Override
  public String toString() {
    return Hex.word(salt1) + "-" + Hex.word(salt2);
  }
}
