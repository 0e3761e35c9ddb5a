package dev.sluice.cache.bulk;

import java.time.Duration;

/**
 * How many bytes may be on their way or waiting to be decoded, all requests together: it grows with
 * each that is answered soon and shrinks with those that are late or fail, so that what is lost to
 * a line that breaks, and waited for on one that is slow, is little. Confined to one thread at a
 * time.
 */
final class Window {
  private static final int REQUEST_BYTES_MIN = 64 << 10;
  private static final int REQUESTS_ABREAST = 4;
  private static final long SOON_NANOS = Duration.ofSeconds(1).toNanos();
  private static final long LATE_NANOS = Duration.ofSeconds(3).toNanos();

  private final Limits limits;
  private final int requestBytesMin;
  private long room;
  private long bytes;
  private int requests;

  Window(Limits limits) {
    this.limits = limits;
    this.requestBytesMin = Math.min(limits.requestBytes(), REQUEST_BYTES_MIN);
    this.room = Math.min(limits.bytes(), limits.requestBytes());
  }

  /** Returns whether there is room for a request; where nothing is in it, for any. */
  boolean hasRoom(long requestBytes) {
    return requests < limits.requests() && (bytes == 0 || bytes + requestBytes <= room);
  }

  /** Returns how many bytes a request may bring. */
  int requestBytes() {
    long share = Math.max(room / REQUESTS_ABREAST, requestBytesMin);
    return (int) Math.min(limits.requestBytes(), share);
  }

  /** Takes room until {@link #leave}. */
  void enter(long requestBytes) {
    bytes += requestBytes;
  }

  void leave(long requestBytes) {
    bytes -= requestBytes;
  }

  void requested() {
    requests++;
  }

  /** Notes that a request has brought its bytes. */
  void answered(int answerBytes, long nanos) {
    requests--;
    if (nanos < SOON_NANOS) {
      room = Math.min(limits.bytes(), room + answerBytes);
    } else if (nanos > LATE_NANOS) {
      room = Math.max(requestBytesMin, room / 2);
    }
  }

  void failed() {
    requests--;
    room = Math.max(requestBytesMin, room / REQUESTS_ABREAST);
  }
}
