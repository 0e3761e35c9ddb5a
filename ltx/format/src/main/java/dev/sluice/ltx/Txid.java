package dev.sluice.ltx;

/**
 * A transaction ID: an unsigned 64-bit number, 1 for the first file of a replica.
 *
 * <p>In Litestream's replicas a TXID counts <em>syncs</em> (WAL ranges turned into one file), not
 * SQLite transactions. Immutable.
 *
 * @param value the number, to be read as unsigned; 0 is {@link #NONE}
 */
public record Txid(long value) implements Comparable<Txid> {

  /** Before the first transaction. */
  public static final Txid NONE = new Txid(0);

  /** The first transaction of every replica. */
  public static final Txid FIRST = new Txid(1);

  /** The greatest TXID there can be. */
  public static final Txid MAX = new Txid(-1L);

  private static final int HEX_DIGITS = 16;

  /**
   * Returns the TXID that a user wrote: 1 to 16 hex digits, optionally after {@code 0x}.
   *
   * @throws IllegalArgumentException if the text is anything else; the message quotes it
   */
  public static Txid parse(String text) {
    String digits = text.startsWith("0x") || text.startsWith("0X") ? text.substring(2) : text;
    if (digits.isEmpty()
        || digits.length() > HEX_DIGITS
        || !digits.chars().allMatch(Txid::isHexDigit)) {
      throw new IllegalArgumentException("not a TXID (1 to 16 hex digits): \"" + text + "\"");
    }
    return new Txid(Long.parseUnsignedLong(digits, 16));
  }

  private static boolean isHexDigit(int c) {
    return c < 128 && Character.digit(c, 16) >= 0;
  }

  /** Returns the TXID after this one; {@link #MAX} has none and wraps to {@link #NONE}. */
  public Txid next() {
    return new Txid(value + 1);
  }

  /** Returns the TXID before this one; {@link #NONE} has none and wraps to {@link #MAX}. */
  public Txid previous() {
    return new Txid(value - 1);
  }

  public boolean isBefore(Txid other) {
    return compareTo(other) < 0;
  }

  public boolean isAfter(Txid other) {
    return compareTo(other) > 0;
  }

  @Override
  public int compareTo(Txid other) {
    return Long.compareUnsigned(value, other.value);
  }

  /** Returns 16 lower-case hex digits. */
  @Override
  public String toString() {
    String digits = Long.toHexString(value);
    return "0".repeat(HEX_DIGITS - digits.length()) + digits;
  }
}
