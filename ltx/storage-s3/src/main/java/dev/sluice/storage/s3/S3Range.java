package dev.sluice.storage.s3;

import dev.sluice.storage.ReplicaException;
import java.io.IOException;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * Which bytes of an object an answer says it holds: {@code Content-Range: bytes 0-9/100}, or all of
 * them if it has no such header. Immutable.
 *
 * @param text the header, for messages
 * @param start the first byte's place
 * @param count how many bytes came
 * @param size bytes of the whole object
 */
record S3Range(String text, long start, long count, long size, Broken broken) {
  private static final Pattern CONTENT_RANGE =
      Pattern.compile("bytes (\\d{1,18})-(\\d{1,18})/(\\d{1,18})");

  /** Makes the failure that an answer is which does not hold what was asked for. */
  @FunctionalInterface
  interface Broken {
    ReplicaException of(String why, Throwable cause);
  }

  /** Returns the range of an answer, which is as long as the body that came. */
  static S3Range of(S3Body.Whole body, Broken broken) throws ReplicaException {
    String text = body.head().contentRange();
    int count = body.bytes().length;
    if (text == null) {
      return new S3Range("the whole of " + count + " bytes", 0, count, count, broken);
    }
    @Nullable S3Range range = parse(text, broken);
    if (range == null || range.count() != count) {
      throw broken.of(
          "answer of " + count + " bytes with Content-Range " + text,
          new IOException("broken Content-Range"));
    }
    return range;
  }

  private static @Nullable S3Range parse(String text, Broken broken) {
    Matcher matcher = CONTENT_RANGE.matcher(text);
    if (!matcher.matches()) {
      return null;
    }
    long first = Long.parseLong(matcher.group(1));
    long last = Long.parseLong(matcher.group(2));
    long size = Long.parseLong(matcher.group(3));
    boolean isInside = first <= last && last < size;
    return isInside
        ? new S3Range("Content-Range " + text, first, last - first + 1, size, broken)
        : null;
  }

  boolean isBytes(long offset, long length) {
    return start == offset && count == length;
  }

  /** Returns whether it is the last {@code length} bytes, or all of fewer. */
  boolean isTail(long length) {
    return count == Math.min(length, size) && start + count == size;
  }

  ReplicaException notAskedFor(String asked) {
    return broken.of(
        "answer of " + text + ", asked for " + asked, new IOException("another range"));
  }
}
