package dev.sluice.cache;

/**
 * Keeps what a view needs while it is held: its pages are looked after when the replica's files are
 * compacted and deleted. Thread-safe.
 *
 * <p>For views that are pinned in Java. A reader in C is seen in its slot of {@link Control} and
 * needs none.
 */
public final class Hold implements AutoCloseable {
  private final Runnable release;
  private boolean isReleased;

  Hold(Runnable release) {
    this.release = release;
  }

  /** Lets go of the view. Idempotent. */
  @Override
  public void close() {
    synchronized (this) {
      if (isReleased) {
        return;
      }
      isReleased = true;
    }
    release.run();
  }
}
