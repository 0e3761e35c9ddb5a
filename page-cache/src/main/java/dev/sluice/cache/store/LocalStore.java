package dev.sluice.cache.store;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Optional;

/**
 * A page store and what is left of it for the next process: all of it if its folder is this
 * process's, nothing if it is temporary. Thread-safe.
 */
public final class LocalStore {
  /** The greatest TXID of a view of which there may be pages. */
  public static final long TXID_MAX = Layout.BOUND_MAX;

  static final String LINEAGE = "lineage";
  static final String REPLICA = "replica";
  private static final String PROGRESS = "hydration";

  /** Sixteen files of which as much is known as can be, each a megabyte. */
  private static final long PROGRESS_BYTES_MAX = 16 << 20;

  /** Held while side files are written. */
  private final Object sideFiles = new Object();

  /** Under {@link #sideFiles}. */
  private byte[] remembered = {};

  /** Held while that file is written or read, which waits for no disk. */
  private final Object progressFile = new Object();

  private final PageStore pages;
  private final Optional<Owned> owned;

  /** Written under this object. */
  private volatile boolean isEnding;

  /** What belongs to a store that outlives its process. */
  record Owned(Path directory, Optional<Path> pages, StoreControl control, OwnerLock owner) {}

  LocalStore(PageStore pages, Optional<Owned> owned) {
    this.pages = pages;
    this.owned = owned;
  }

  public PageStore pages() {
    return pages;
  }

  /** Returns the file of the pages; empty if it has no name. */
  public Optional<Path> file() {
    return owned.map(each -> each.pages().orElseGet(() -> each.directory().resolve("pages")));
  }

  /**
   * Says that every page which is here is of this view, and may become of a later one. Nothing once
   * this ends: what had to be cleared for the view may not have been.
   */
  public synchronized void publish(long txid, long commit) throws IOException {
    if (owned.isPresent() && !isEnding) {
      owned.get().control().write(StoreControl.State.open(pages.pageSize(), txid, commit));
    }
  }

  /**
   * Has what is here survive a power cut; nothing for a temporary store, or one that is closed.
   *
   * @param txid of a view that was published
   */
  public void checkpoint(long txid, long commit) throws IOException {
    synchronized (sideFiles) {
      if (owned.isPresent() && !isEnding) {
        pages.checkpoint(owned.get().directory().resolve("checkpoint"), txid, commit);
      }
    }
  }

  /** Says what a side file is to hold. */
  @FunctionalInterface
  public interface Content {
    byte[] bytes() throws IOException;
  }

  /**
   * Keeps by what the replica is told from another, for the next process, unless it was kept last;
   * else as the other.
   *
   * @param lineage asked one at a time, so that what is kept last is what was asked last
   */
  public void remember(Content lineage) throws IOException {
    synchronized (sideFiles) {
      if (owned.isEmpty() || isEnding) {
        return;
      }
      byte[] bytes = lineage.bytes();
      if (!Arrays.equals(bytes, remembered)) {
        SideFile.write(owned.get().directory().resolve(LINEAGE), bytes);
        remembered = bytes;
      }
    }
  }

  /**
   * Keeps how far hydration is, for the next process; else as the others, but that a power cut may
   * leave nothing of it.
   */
  public void keepProgress(byte[] progress) throws IOException {
    synchronized (progressFile) {
      if (owned.isPresent() && !isEnding) {
        SideFile.replace(owned.get().directory().resolve(PROGRESS), progress);
      }
    }
  }

  /** Returns what was last kept of how far hydration is; no bytes if there is nothing of use. */
  public byte[] progress() throws IOException {
    synchronized (progressFile) {
      Optional<Path> path = owned.map(each -> each.directory().resolve(PROGRESS));
      return path.isPresent()
              && Files.exists(path.get())
              && Files.size(path.get()) <= PROGRESS_BYTES_MAX
          ? Files.readAllBytes(path.get())
          : new byte[0];
    }
  }

  /** Says whose store it is, for {@link StoreCopy}; else as the others. */
  public void name(String replica) throws IOException {
    synchronized (sideFiles) {
      if (owned.isPresent() && !isEnding) {
        Files.writeString(owned.get().directory().resolve(REPLICA), replica);
      }
    }
  }

  /** Says that this will be closed soon, to who wants it next in this process. */
  public void announceClose() {
    owned.ifPresent(each -> each.owner().announceClose());
  }

  /** Has everything reach the disk and leaves it to the next. Idempotent. */
  public void close() throws IOException {
    if (!beginEnd()) {
      return;
    }
    try {
      if (owned.isPresent()) {
        pages.sync();
        owned.get().control().markClean();
      }
    } finally {
      end();
    }
  }

  /** Leaves nothing. Idempotent. */
  public void discard() throws IOException {
    if (!beginEnd()) {
      return;
    }
    try {
      if (owned.isPresent()) {
        if (owned.get().pages().isPresent()) {
          Files.deleteIfExists(owned.get().pages().get()); // before what says that it is ours
        }
        StoreFolder.deleteTree(owned.get().directory());
      }
    } finally {
      end();
    }
  }

  /**
   * Has nothing be written any more, neither here nor beside.
   *
   * @return whether this is the first end
   */
  private boolean beginEnd() {
    synchronized (this) {
      if (isEnding) {
        return false;
      }
      isEnding = true;
    }
    synchronized (sideFiles) {
      // What had begun before is done.
    }
    synchronized (progressFile) {
      // As above.
    }
    pages.stop();
    return true;
  }

  private void end() throws IOException {
    try {
      pages.close();
    } finally {
      if (owned.isPresent()) {
        try {
          owned.get().control().close();
        } finally {
          owned.get().owner().close();
        }
      }
    }
  }
}
