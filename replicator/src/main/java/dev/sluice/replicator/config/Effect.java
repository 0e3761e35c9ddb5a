package dev.sluice.replicator.config;

/** What comes of a key that is given. */
enum Effect {
  /** What it says is done. */
  HONOURED,
  /** Its value must be well-formed; then it changes nothing, which one warning says. */
  NO_EFFECT,
  /** A configuration with it is not used. */
  REFUSED;

  /** Returns the word in the documentation's table. */
  @Override
  public String toString() {
    return name().toLowerCase(java.util.Locale.ROOT).replace('_', ' ');
  }
}
