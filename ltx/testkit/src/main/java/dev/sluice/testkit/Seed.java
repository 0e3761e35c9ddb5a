package dev.sluice.testkit;

import java.util.Random;

/**
 * Where what a test does at random begins: at the number that a system property gives, at the one
 * that {@code sluice.seeds} gives to all tests, or at a new one. A test asks for it with {@link
 * Seeded}. Changes with {@link #next}; confined to the thread of its test.
 */
public final class Seed {
  static final String OF_ALL = "sluice.seeds";

  private final String property;
  private final long first;
  private long value;

  Seed(String property) {
    this.property = property;
    this.first = Long.getLong(property, Long.getLong(OF_ALL, System.nanoTime()));
    this.value = first;
  }

  String property() {
    return property;
  }

  /** Returns the number. */
  public long value() {
    return value;
  }

  /** Returns a source of random numbers that begins here. */
  public Random random() {
    return new Random(value);
  }

  /**
   * Goes on to the number after this one, which a failure names from then on: for a test that runs
   * episode after episode, so that the one which failed can be run first.
   */
  public void next() {
    value++;
  }

  /** Returns the same failure with the seed before its message, and this one as its cause. */
  Throwable named(Throwable failure) {
    String begun = this + ": " + (value == first ? "" : "begun with " + first + ": ");
    Throwable named =
        failure instanceof AssertionError
            ? new AssertionError(begun + failure.getMessage(), failure)
            : new SeededException(begun + failure, failure);
    named.setStackTrace(failure.getStackTrace());
    return named;
  }

  /** Returns what has a JVM begin with it: {@code -Dproperty=value}. */
  @Override
  public String toString() {
    return "-D" + property + "=" + value;
  }

  /** What a test threw that is no {@link AssertionError}. */
  private static final class SeededException extends Exception {
    private static final long serialVersionUID = 1;

    SeededException(String message, Throwable cause) {
      super(message, cause);
    }
  }
}
