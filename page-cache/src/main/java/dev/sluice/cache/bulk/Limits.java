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

  private static final int BYTES_MAX = 32 << 20;
  private static final int BYTES_MIN = 1 << 20;
  private static final int HEAP_SHARE = 8;
  private static final int REQUESTS_ABREAST = 8;
  private static final int REQUESTS_MAX = 32;

  public Limits {
    if (bytes < 1 || requestBytes < 1 || requests < 1) {
      throw new IllegalArgumentException(
          bytes + " bytes, " + requestBytes + " a request, " + requests + " requests");
    }
  }

  /**
   * Returns what suits a reading that somebody waits for: 32 MiB, or an eighth of the heap where
   * that is less, for the client below has its buffers too; an eighth of that a request.
   */
  public static Limits standard() {
    long share = Runtime.getRuntime().maxMemory() / HEAP_SHARE;
    int bytes = (int) Math.max(BYTES_MIN, Math.min(BYTES_MAX, share));
    return new Limits(bytes, bytes / REQUESTS_ABREAST, REQUESTS_MAX);
  }

  /** Returns the greatest size of a file that is requested as a whole. */
  int wholeFileBytes() {
    return Math.max(1, requestBytes / 4);
  }
}
