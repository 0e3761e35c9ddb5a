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
 * what was kept of it.
 *
 * <p>Thread-safe: what changes is under this object's private lock, which is not held while the
 * disk works. What waits for the disk says so.
 */
final class Rescued implements AutoCloseable {
  private static final Logger log = LoggerFactory.getLogger(Rescued.class);

  /** The number of the side file in page maps. */
  static final int FILE = -1;

  private final Object lock = new Object();
  private final RescueFile file;
  private final Map<PageMap.Frame, Long> byFrame = new HashMap<>();

  /** Pages of the file that nobody can find any more. */
  private final Set<Long> left = new HashSet<>();

  /** Whether somebody was told that there is no room, since there was more or nothing was kept. */
  private boolean isFullKnown;

  Rescued(RescueFile file) {
    this.file = file;
  }

  /**
   * Keeps a page; waits for the disk.
   *
   * @param frame where it is now
   * @return false if there is no room
   * @throws IOException if the disk does not take it
   */
  boolean put(PageMap.Frame frame, byte[] page) throws IOException {
    if (find(frame).isPresent()) {
      return true;
    }
    OptionalLong id = file.put(page);
    if (id.isEmpty()) {
      tellFull();
      return false;
    }
    synchronized (lock) {
      if (byFrame.putIfAbsent(frame, id.getAsLong()) != null) {
        left.add(id.getAsLong());
      }
    }
    return true;
  }

  private void tellFull() {
    boolean wasKnown;
    synchronized (lock) {
      wasKnown = isFullKnown;
      isFullKnown = true;
    }
    if (!wasKnown) {
      log.warn(
          "rescue_bytes are used up: {} bytes of pages are kept for pinned transactions, the"
              + " oldest of which may fail with \"history gone\"",
          file.usedBytes());
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
   * Returns a page by a frame of {@link #FILE}; waits for the disk.
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

  /**
   * Lets go of what no view has: no page is found by its frame from now on. Does not wait for the
   * disk; {@link #freeRoom} does the rest.
   */
  void retain(Collection<View> views) {
    Set<Long> used = new HashSet<>();
    for (View view : views) {
      view.pages()
          .forEach(number -> number == FILE, (pgno, frame, bound) -> used.add(frame.offset()));
    }
    synchronized (lock) {
      for (long id : byFrame.values()) {
        if (!used.contains(id)) {
          left.add(id);
        }
      }
      if (byFrame.values().retainAll(used) && used.isEmpty()) {
        isFullKnown = false;
      }
    }
  }

  /** Gives the room of what was let go of to other pages; waits for the disk. */
  void freeRoom() {
    Set<Long> gone;
    synchronized (lock) {
      gone = Set.copyOf(left);
      left.clear();
    }
    if (!gone.isEmpty()) {
      file.retain(id -> !gone.contains(id));
    }
  }

  /**
   * Returns how many more pages it is worth while to fetch, if only one of so many equal parts of
   * the file is to be used: one more than there is room for, where all may be used and its want was
   * not told yet.
   */
  long pageRoom(int pageBytes, int parting) {
    long used = file.usedBytes();
    long room = Math.max(0, (used + file.room()) / parting - used);
    synchronized (lock) {
      return room / RescueFile.slotBytes(pageBytes) + (parting == 1 && !isFullKnown ? 1 : 0);
    }
  }

  long bytes() {
    return file.usedBytes();
  }

  void raiseMaximum(long bytes) {
    if (file.raiseMaximum(bytes)) {
      synchronized (lock) {
        isFullKnown = false;
      }
    }
  }

  @Override
  public void close() {
    file.close();
  }
}
