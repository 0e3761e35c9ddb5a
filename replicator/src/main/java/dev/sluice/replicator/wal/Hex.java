package dev.sluice.replicator.wal;

/** Words of 32 bits as text. */
final class Hex {
  static final int WORD_DIGITS = 8;

  private Hex() {}

  /** Returns 8 lower-case hex digits. */
  static String word(int value) {
    String digits = Integer.toHexString(value);
    return "0".repeat(WORD_DIGITS - digits.length()) + digits;
  }
}
