package dev.sluice.cache;

import java.io.IOException;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;
import java.util.OptionalLong;
import java.util.function.LongPredicate;

/** Pages that are kept by number, in memory. Thread-safe. */
final class RescueFile {
  private final Map<Long, byte[]> pages = new HashMap<>();
  private long next = 1;
  private long max;
  private long used;

  RescueFile(Path directory, long bytesMax) {
    max = bytesMax;
  }

  synchronized OptionalLong put(byte[] page) throws IOException {
    if (used + page.length > max) {
      return OptionalLong.empty();
    }
    used += page.length;
    pages.put(next, page);
    return OptionalLong.of(next++);
  }

  synchronized byte[] read(long id) throws IOException {
    byte[] page = pages.get(id);
    if (page == null) {
      throw new IOException("page " + id + " is not kept");
    }
    return page;
  }

  synchronized void retain(LongPredicate isUsed) {
    pages.keySet().removeIf(id -> !isUsed.test(id));
    used = pages.values().stream().mapToLong(page -> page.length).sum();
  }

  synchronized long usedBytes() {
    return used;
  }

  synchronized long room() {
    return max - used;
  }

  synchronized void raiseMaximum(long bytes) {
    max = Math.max(max, bytes);
  }

  void close() {}
}
