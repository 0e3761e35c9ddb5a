package dev.sluice.cache;

import java.util.Optional;

/**
 * What is wrong with a replica now: what hinders following it, and what the last read or opening
 * failed with; each until the same goes well again. Thread-safe: what changes is under this
 * object's private lock.
 */
final class Troubles {
  private final Object lock = new Object();
  private Optional<String> ofFollowing = Optional.empty();
  private Optional<String> ofReading = Optional.empty();
  private boolean isReadingNewer;

  /** Returns one line: the newer one. */
  Optional<String> last() {
    synchronized (lock) {
      return isReadingNewer ? ofReading.or(() -> ofFollowing) : ofFollowing.or(() -> ofReading);
    }
  }

  void following(Throwable trouble) {
    synchronized (lock) {
      ofFollowing = Optional.of(String.valueOf(trouble.getMessage()));
      isReadingNewer = false;
    }
  }

  void followingIsWell() {
    synchronized (lock) {
      ofFollowing = Optional.empty();
    }
  }

  void reading(Throwable trouble) {
    synchronized (lock) {
      ofReading = Optional.of(String.valueOf(trouble.getMessage()));
      isReadingNewer = true;
    }
  }

  void readingIsWell() {
    synchronized (lock) {
      ofReading = Optional.empty();
    }
  }
}
