package dev.sluice.cache;

import dev.sluice.storage.ReplicaException;
import java.io.IOException;
import java.util.Collection;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.OptionalLong;
import java.util.Set;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The pages that this process keeps because retention is about to delete the only files that hold
 * them, while a pinned view needs them. In a page map they are frames of a file of their own,
 * {@link #FILE}, whose offsets are the side file's numbers of pages. Views that share a frame share
 * what was kept of it. Thread-safe.
 */
final class Rescued implements AutoCloseable {
  private static final Logger log = LoggerFactory.getLogger(Rescued.class);

  /** The number of the side file in page maps. */
  static final int FILE = -1;

  private final Object lock = new Object();
  private final RescueFile file;
  private final Map<PageMap.Frame, Long> byFrame = new HashMap<>();
  private boolean isFullKnown;

  Rescued(RescueFile file) {
    this.file = file;
  }

  /**
   * Keeps a page.
   *
   * @param frame where it is now
   * @return false if there is no room
   * @throws IOException if the disk does not take it
   */
  boolean put(PageMap.Frame frame, byte[] page) throws IOException {
    synchronized (lock) {
      if (byFrame.containsKey(frame)) {
        return true;
      }
      OptionalLong id = file.put(page);
      if (id.isEmpty()) {
        if (!isFullKnown) {
          log.warn(
              "rescue_bytes are used up: {} bytes of pages are kept for pinned transactions, the"
                  + " oldest of which may fail with \"history gone\"",
              file.usedBytes());
        }
        isFullKnown = true;
        return false;
      }
      byFrame.put(frame, id.getAsLong());
      return true;
    }
  }

  /** Returns where a page was kept, or empty if it was not. */
  OptionalLong find(PageMap.Frame frame) {
    synchronized (lock) {
      Long id = byFrame.get(frame);
      return id == null ? OptionalLong.empty() : OptionalLong.of(id);
    }
  }

  /**
   * Returns a page by a frame of {@link #FILE}.
   *
   * @throws ReplicaException.NotFound if it is not kept any more
   */
  byte[] read(PageMap.Frame frame) throws ReplicaException.NotFound {
    try {
      return file.read(frame.offset());
    } catch (IOException e) {
      throw new ReplicaException.NotFound("a page that was kept: " + e.getMessage(), e);
    }
  }

  /** Lets go of what no view has. */
  void retain(Collection<View> views) {
    Set<Long> used = new HashSet<>();
    for (View view : views) {
      view.pages()
          .forEach(number -> number == FILE, (pgno, frame, bound) -> used.add(frame.offset()));
    }
    synchronized (lock) {
      byFrame.values().retainAll(used);
      file.retain(used::contains);
      isFullKnown &= !used.isEmpty();
    }
  }

  /**
   * Returns how many more bytes of pages there is room for, about, if only one of so many equal
   * parts of the file is to be used.
   */
  long room(int parting) {
    long used = file.usedBytes();
    return Math.max(0, (used + file.room()) / parting - used);
  }

  long bytes() {
    return file.usedBytes();
  }

  void raiseMaximum(long bytes) {
    file.raiseMaximum(bytes);
  }

  @Override
  public void close() {
    file.close();
  }
}
