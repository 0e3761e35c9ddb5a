package dev.sluice.ltx;

/**
 * Says which field of a header or trailer has a value that the format forbids, so that a parser can
 * name its offset.
 */
final class FieldException extends IllegalArgumentException {
  private static final long serialVersionUID = 1L;

  private final int at;

  /** Takes the field's offset within its header or trailer. */
  FieldException(int at, String rule) {
    super(rule);
    this.at = at;
  }

  /** Throws unless {@code holds}. */
  static void require(boolean holds, int at, String rule) {
    if (!holds) {
      throw new FieldException(at, rule);
    }
  }

  LtxFormatException in(String file, long structureOffset) {
    return new LtxFormatException(file, structureOffset + at, String.valueOf(getMessage()), this);
  }
}
