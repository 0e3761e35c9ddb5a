package dev.sluice.cache.bulk;

/**
 * What a reading takes at most. Immutable.
 *
 * @param bytes of memory for what is on its way or waits to be decoded, whatever the sizes of the
 *     files; page indexes come on top, 12 bytes a page of a file that is being read
 * @param requestBytes what one request brings; files up to a quarter of that cost one request
 * @param requests how many may be on their way
 */
public record Limits(int bytes, int requestBytes, int requests) {

  public Limits {
    if (bytes < 1 || requestBytes < 1 || requests < 1) {
      throw new IllegalArgumentException(
          bytes + " bytes, " + requestBytes + " a request, " + requests + " requests");
    }
  }

  /** Returns what suits a reading that somebody waits for: 32 MiB, 4 MiB a request. */
  public static Limits standard() {
    return new Limits(32 << 20, 4 << 20, 32);
  }

  /** Returns the greatest size of a file that is requested as a whole. */
  int wholeFileBytes() {
    return Math.max(1, requestBytes / 4);
  }
}
