package dev.sluice.vfs;

import com.sun.jna.Memory;
import com.sun.jna.Pointer;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.SplittableRandom;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.LongUnaryOperator;
import java.util.random.RandomGenerator;

/**
 * Readers in C against a writer in Java: as torn_test.c, with this writer in place of the one
 * there. Which TXIDs change which pages is a function of both, and so is every word of a page.
 *
 * <p>One thread publishes TXID after TXID and rewrites or clears what each changes before; others
 * store pages that they have from a while ago, if these may still be stored. For one run.
 */
final class TornReads {
  static final int PAGES = 64;
  private static final int READERS = 8;
  private static final int LONG_READS = 200;
  private static final int SHORT_READS = 2;
  private static final long WORD_STEP = 0x9e3779b97f4a7c15L;

  private final Writer writer;
  private final NativeStore readers;
  private final int pageSize;
  private final long stride;
  private final long seed;

  /** From here on pages are of this TXID, or not here. */
  private final AtomicLong known = new AtomicLong(1);

  private final AtomicLong published = new AtomicLong(1);
  private final AtomicBoolean isOver = new AtomicBoolean();
  private final CompletableFuture<String> finding = new CompletableFuture<>();
  private final AtomicLong hits = new AtomicLong();

  /** Stores pages for those readers. */
  interface Writer {

    /** Stores a page, if it may be stored, by the bound that {@code admission} gives. */
    void fill(long pgno, byte[] page, LongUnaryOperator admission) throws IOException;

    void clear(long pgno) throws IOException;

    /** Returns how many threads may store beside the one that publishes. */
    int fillers();

    /** Returns whether changed pages are cleared before a TXID is published, as they must be. */
    default boolean clearsFirst() {
      return true;
    }

    /** Returns whether it is asked if a page may be stored, as it must be. */
    default boolean asks() {
      return true;
    }
  }

  TornReads(Writer writer, NativeStore readers, int pageSize, long seed) {
    this.writer = writer;
    this.readers = readers;
    this.pageSize = pageSize;
    this.stride = stride(pageSize);
    this.seed = seed;
  }

  /** Returns how far the pages are apart, so that they lie in some extents. */
  static long stride(int pageSize) {
    return Math.max(1, (1 << 16) / pageSize / 8);
  }

  /** Returns what was wrong, as soon as something is. */
  Optional<String> run(double seconds) {
    long end = System.nanoTime() + (long) (seconds * TimeUnit.SECONDS.toNanos(1));
    SplittableRandom random = new SplittableRandom(seed);
    ExecutorService threads = Executors.newCachedThreadPool();
    List<CompletableFuture<Void>> running = new ArrayList<>();
    for (int i = 0; i < READERS; i++) {
      SplittableRandom own = random.split();
      running.add(CompletableFuture.runAsync(() -> read(own), threads));
    }
    for (int i = 0; i < writer.fillers(); i++) {
      SplittableRandom own = random.split();
      running.add(CompletableFuture.runAsync(() -> fill(own), threads));
    }
    try {
      while (System.nanoTime() < end && !finding.isDone()) {
        write(random);
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    } finally {
      isOver.set(true);
      threads.shutdown();
    }
    running.forEach(CompletableFuture::join);
    return finding.isDone() ? Optional.of(finding.join()) : Optional.empty();
  }

  long hits() {
    return hits.get();
  }

  long txids() {
    return published.get();
  }

  // -- the history ------------------------------------------------------------------------------

  private static long mixed(long value) {
    long first = (value ^ (value >>> 30)) * 0xbf58476d1ce4e5b9L;
    long second = (first ^ (first >>> 27)) * 0x94d049bb133111ebL;
    return second ^ (second >>> 31);
  }

  private boolean changes(long pgno, long txid) {
    return txid == 1 || (mixed(seed ^ (txid * 1031 + pgno)) & 7) == 0;
  }

  private long lastChange(long pgno, long txid) {
    long last = txid;
    while (!changes(pgno, last)) {
      last--;
    }
    return last;
  }

  private static long firstWord(long pgno, long version) {
    return mixed(version << 16 | pgno) | 1;
  }

  private byte[] page(long pgno, long version) {
    byte[] page = new byte[pageSize];
    ByteBuffer words = ByteBuffer.wrap(page).order(ByteOrder.nativeOrder());
    long word = firstWord(pgno, version);
    for (int i = 0; i < pageSize / Long.BYTES; i++, word += WORD_STEP) {
      words.putLong(word);
    }
    return page;
  }

  private long anyPgno(RandomGenerator random) {
    return 1 + stride * random.nextInt(PAGES);
  }

  // -- the writer -------------------------------------------------------------------------------

  private void write(RandomGenerator random) throws IOException {
    for (int i = 0; i < 4; i++) {
      long pgno = anyPgno(random);
      if (random.nextInt(4) == 0) {
        writer.clear(pgno);
      } else {
        fillOf(pgno, known.get());
      }
    }
    if (random.nextInt(4) == 0) {
      publish(random);
    }
  }

  private void publish(RandomGenerator random) throws IOException {
    long txid = known.incrementAndGet();
    if (!writer.clearsFirst()) {
      published.set(txid);
    }
    for (int i = 0; i < PAGES; i++) {
      long pgno = 1 + stride * i;
      if (changes(pgno, txid)) {
        if (random.nextBoolean()) {
          writer.clear(pgno);
        } else {
          fillOf(pgno, txid);
        }
      }
    }
    published.set(txid);
  }

  private void fill(RandomGenerator random) {
    try {
      while (!isOver.get()) {
        fillOf(anyPgno(random), published.get());
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** Stores the page of a TXID if it has not changed since, as far as is known. */
  private void fillOf(long pgno, long txid) throws IOException {
    long version = lastChange(pgno, txid);
    writer.fill(
        pgno,
        page(pgno, version),
        each -> !writer.asks() || lastChange(pgno, known.get()) == version ? version : 0);
  }

  // -- the readers ------------------------------------------------------------------------------

  private void read(RandomGenerator random) {
    try (Memory memory = new Memory(pageSize)) {
      ByteBuffer page = memory.getByteBuffer(0, pageSize).order(ByteOrder.nativeOrder());
      long address = Pointer.nativeValue(memory);
      long count = 0;
      while (!isOver.get() && !finding.isDone()) {
        long txid = published.get();
        int reads = random.nextInt(4) == 0 ? LONG_READS : SHORT_READS;
        for (int i = 0; i < reads; i++) {
          long pgno = anyPgno(random);
          if (Libsluice.sluice_store_copy(readers.address(), txid, pageSize, pgno, address) != 0) {
            check(pgno, txid, page);
            count++;
          }
        }
      }
      hits.addAndGet(count);
    }
  }

  private void check(long pgno, long txid, ByteBuffer page) {
    long version = lastChange(pgno, txid);
    long word = firstWord(pgno, version);
    for (int at = 0; at < pageSize; at += Long.BYTES, word += WORD_STEP) {
      if (page.getLong(at) != word) {
        String what =
            "page %d of %d bytes at TXID %d is of version %d, but at %d is %x"
                .formatted(pgno, pageSize, txid, version, at, page.getLong(at));
        finding.complete(what);
        return;
      }
    }
  }
}
