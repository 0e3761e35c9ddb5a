package dev.sluice.cache.store;

import dev.sluice.ltx.Crc64;
import dev.sluice.ltx.LockPage;
import java.io.Closeable;
import java.io.IOException;
import java.io.InterruptedIOException;
import java.io.RandomAccessFile;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.locks.LockSupport;

/**
 * Copies a whole store into a database file, while its owner goes on with it, in this process or
 * another, or when nobody has it.
 *
 * <p>Each page is believed by its CRC. A pass copies what differs from what was copied before; the
 * copy is one state when a pass has found nothing, and the store was of one TXID all the while:
 * then every page is the newest version, of that TXID. Confined to one thread.
 */
public final class StoreCopy implements Closeable {
  private static final int WORDS_AT_ONCE = 8192;
  private static final int PASSES_MAX = 1000;
  private static final long PAUSE_NANOS = 20_000_000;

  private final StoreControl control;
  private final RandomAccessFile pages;
  private final RandomAccessFile tags;
  private final RandomAccessFile sums;

  /** Takes pages in any order, some again. */
  @FunctionalInterface
  public interface Target {
    void write(long pgno, byte[] page) throws IOException;
  }

  /** The state that was copied. */
  public record Copied(long txid, long commit, int pageSize) {}

  /** Not everything is there. */
  public static final class IncompleteException extends IOException {
    private static final long serialVersionUID = 1L;

    IncompleteException(long pages, long commit) {
      super(
          "the page store lacks "
              + pages
              + " of "
              + commit
              + " pages, or what proves them: hydrate it first");
    }
  }

  private StoreCopy(Path directory, Path pagesFile) throws IOException {
    this.control = StoreControl.readOnly(directory.resolve("control"));
    this.pages = new RandomAccessFile(pagesFile.toFile(), "r");
    this.tags = new RandomAccessFile(directory.resolve("tags").toFile(), "r");
    this.sums = new RandomAccessFile(directory.resolve("sums").toFile(), "r");
  }

  /**
   * Returns what copies the store of a folder; empty if there is none.
   *
   * @param replica whose it must be, as {@link LocalStore#name} was told
   * @param pages the file of the pages, if it is elsewhere
   * @throws IOException if it is another's
   */
  public static Optional<StoreCopy> of(Path folder, String replica, Optional<Path> pages)
      throws IOException {
    Optional<Path> newest = StoreFolder.newest(folder);
    if (newest.isPresent() && !StoreFolder.isOf(newest.get(), replica)) {
      throw new IOException("the page store in " + folder + " is of another replica");
    }
    return newest.isEmpty()
        ? Optional.empty()
        : Optional.of(
            new StoreCopy(newest.get(), pages.orElseGet(() -> newest.get().resolve("pages"))));
  }

  /**
   * Copies the store.
   *
   * @param patience how long to wait for pages that are not there, as those of a transaction that
   *     has just come, and for a moment without one
   * @throws IncompleteException if pages are not there, or not as they were written
   * @throws IOException if it changes all the time, or cannot be read
   */
  public Copied copyTo(Target target, Duration patience) throws IOException {
    ByteBuffer copied = ByteBuffer.allocate(0);
    long begunNanos = System.nanoTime();
    for (int pass = 0; ; pass++) {
      StoreControl.State before = state();
      ByteBuffer known = ByteBuffer.allocate((int) before.commit() * Long.BYTES);
      known.put(copied.duplicate().limit(Math.min(copied.capacity(), known.capacity())));
      copied = known;
      long changed = copyChanged(before, copied, target);
      boolean isOneState = changed == 0 && state().txid() == before.txid();
      long absent = absent(before, copied);
      if (isOneState && absent == 0) {
        return new Copied(before.txid(), before.commit(), before.pageSize());
      }
      boolean isOver = System.nanoTime() - begunNanos > patience.toNanos();
      if (isOver && (changed == 0 || pass >= PASSES_MAX)) {
        throw absent > 0
            ? new IncompleteException(absent, before.commit())
            : new IOException("the page store changes all the time");
      }
      if (changed == 0) {
        LockSupport.parkNanos(PAUSE_NANOS);
      }
      if (Thread.currentThread().isInterrupted()) {
        throw new InterruptedIOException("copy a page store: interrupted");
      }
    }
  }

  private StoreControl.State state() throws IOException {
    StoreControl.State state =
        control
            .read()
            .orElseThrow(() -> new IOException("the page store is about to go, or damaged"));
    if (!state.isTrusted()) {
      throw new IOException("the page store is of before a power cut: open the replica once");
    }
    return state;
  }

  private static long absent(StoreControl.State state, ByteBuffer copied) {
    long absent = 0;
    for (long pgno = 1; pgno <= state.commit(); pgno++) {
      boolean isThere = copied.getLong((int) (pgno - 1) * Long.BYTES) != 0;
      absent += isThere || pgno == LockPage.pgno(state.pageSize()) ? 0 : 1;
    }
    return absent;
  }

  /**
   * Copies pages whose words are others than those they were copied by.
   *
   * @param copied a word of each page: its tag and sum mixed, 0 = it is not there
   * @return how many were
   */
  private long copyChanged(StoreControl.State state, ByteBuffer copied, Target target)
      throws IOException {
    byte[] page = new byte[state.pageSize()];
    long changed = 0;
    for (long first = 1; first <= state.commit(); first += WORDS_AT_ONCE) {
      int count = (int) Math.min(WORDS_AT_ONCE, state.commit() - first + 1);
      ByteBuffer tagWords = words(tags, first, count);
      ByteBuffer sumWords = words(sums, first, count);
      for (int i = 0; i < count; i++) {
        int at = (int) (first + i - 1) * Long.BYTES;
        long tag = tagWords.getLong(i * Long.BYTES);
        long sum = sumWords.getLong(i * Long.BYTES);
        long word = word(tag, sum, state.txid());
        if (word != copied.getLong(at)) {
          changed++;
          boolean isCopied = word != 0 && read(first + i, tag, sum, page);
          copied.putLong(at, isCopied ? word : 0);
          if (isCopied) {
            target.write(first + i, page);
          }
        }
      }
    }
    return changed;
  }

  /**
   * A page that is not here but unchecked is as its sum says; one of a later TXID, or one that
   * nobody has proven, is not here.
   */
  private static long word(long tag, long sum, long txid) {
    long bound = Layout.bound(tag);
    boolean isThere =
        Layout.proof(sum) == Proof.PROVEN && (bound == 0 ? Layout.isUnchecked(sum) : bound <= txid);
    long mixed = (tag * 0x9E3779B97F4A7C15L) ^ (sum >>> Layout.SUM_FLAGS);
    return isThere ? mixed | 1 : 0;
  }

  private boolean read(long pgno, long tag, long sum, byte[] page) throws IOException {
    pages.seek((pgno - 1) * page.length);
    pages.readFully(page);
    return Layout.isSamePage(sum, Crc64.of(page))
        && words(tags, pgno, 1).getLong() == tag
        && Layout.isSamePage(sum, words(sums, pgno, 1).getLong());
  }

  /** Past the end of the file all words are 0. */
  private static ByteBuffer words(RandomAccessFile file, long first, int count) throws IOException {
    byte[] bytes = new byte[count * Long.BYTES];
    long at = (first - 1) * Long.BYTES;
    int length = (int) Math.max(0, Math.min(bytes.length, file.length() - at));
    file.seek(at);
    file.readFully(bytes, 0, length);
    return ByteBuffer.wrap(bytes).order(ByteOrder.nativeOrder());
  }

  @Override
  public void close() throws IOException {
    control.close();
    pages.close();
    tags.close();
    sums.close();
  }
}
