package dev.sluice.replicator;

import java.time.Duration;

/** What keeps two writers of one replica apart. Immutable. */
public sealed interface Writing {

  /** Each file is written on condition that there is none; the storage must keep that. */
  record Conditional() implements Writing {}

  /**
   * As {@link Conditional}, and only while a lease is held that others respect, too.
   *
   * @param time for which the lease is held without being renewed
   */
  record Leased(Duration time) implements Writing {
    public Leased {
      if (time.toSeconds() < 1) {
        throw new IllegalArgumentException("a lease of " + time + " is shorter than a second");
      }
    }
  }

  /** The user says that nobody else writes. */
  record Unguarded() implements Writing {}
}
