package dev.sluice.cache.bulk;

/**
 * Says when the next request may be made: what limits the rate of a reading that others must not
 * feel, or makes it wait while they have requests of their own. Asked by the reading thread only.
 */
@FunctionalInterface
public interface Pace {

  /** Returns the pace of whoever takes all there is. */
  static Pace unlimited() {
    return bytes -> 0;
  }

  /**
   * Asks for leave to request so many bytes. It is asked again after the wait, and what is asked
   * for then may be another request. What is tried again because it failed is not asked for.
   *
   * @return 0 if the request is made now, else how many nanoseconds to wait first
   */
  long waitNanos(long bytes);
}
