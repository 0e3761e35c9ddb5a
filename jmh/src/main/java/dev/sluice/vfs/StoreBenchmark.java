package dev.sluice.vfs;

import com.sun.jna.Memory;
import com.sun.jna.Pointer;
import dev.sluice.cache.StoreOptions;
import dev.sluice.cache.store.LocalStore;
import dev.sluice.cache.store.PageStore;
import dev.sluice.cache.store.Proof;
import dev.sluice.cache.store.StoreFolder;
import dev.sluice.jmh.BenchFolder;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.util.Objects;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Level;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;
import org.openjdk.jmh.annotations.Warmup;

/**
 * The page store by itself: a random page as C copies it, called from here, beside a call that does
 * nothing; as Java reads it, and a page replaced, each beside the plainest I/O of the JDK on a file
 * of its own.
 */
@State(Scope.Benchmark)
@Fork(1)
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 5, time = 1)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
public class StoreBenchmark {
  private static final int PAGE_SIZE = 4096;
  private static final long TXID = 7;

  @Param({"1", "200"})
  public int megabytes;

  private final Random random = new Random(5);
  private final byte[] page = new byte[PAGE_SIZE];
  private final Memory copy = new Memory(PAGE_SIZE);
  private final long copyAddress = Pointer.nativeValue(copy);
  private int pageCount;
  private long storeAddress;
  private @Nullable NativeStore inC;
  private @Nullable BenchFolder folder;
  private @Nullable LocalStore store;
  private @Nullable RandomAccessFile plain;

  /** Makes a store in which every page is there, and the file of the baseline. */
  @Setup(Level.Trial)
  public void open() throws IOException {
    Sluice.register();
    NativeStore readers = new NativeStore(StoreOptions.Reading.MMAP, Runnable::run);
    inC = readers;
    BenchFolder made = BenchFolder.make();
    folder = made;
    storeAddress = readers.address();
    pageCount = megabytes * 1_000_000 / PAGE_SIZE;
    store =
        StoreFolder.temporary(
            made.path(), new PageStore.Spec("bench", PAGE_SIZE, readers, Long.MAX_VALUE));
    RandomAccessFile file = new RandomAccessFile(made.path().resolve("plain").toFile(), "rw");
    plain = file;
    for (int pgno = 1; pgno <= pageCount; pgno++) {
      random.nextBytes(page);
      file.write(page);
      if (!fill(pgno)) {
        throw new IOException("page " + pgno);
      }
    }
  }

  @TearDown(Level.Trial)
  public void close() throws IOException {
    Objects.requireNonNull(store).discard();
    Objects.requireNonNull(inC).close();
    Objects.requireNonNull(plain).close();
    Objects.requireNonNull(folder).close();
  }

  private PageStore pages() {
    return Objects.requireNonNull(store).pages();
  }

  private int nextPgno() {
    return 1 + random.nextInt(pageCount);
  }

  private boolean fill(int pgno) {
    return pages().fill(pgno, page, 0, Proof.NONE, each -> TXID);
  }

  /** What SQLite's xRead does, without SQLite, and a call from Java into C. */
  @Benchmark
  public int copyInC() {
    int isHere =
        Libsluice.sluice_store_copy(storeAddress, TXID, PAGE_SIZE, nextPgno(), copyAddress);
    if (isHere == 0) {
      throw new IllegalStateException("a page is missing");
    }
    return isHere;
  }

  /** The call alone. */
  @Benchmark
  public int callIntoC() {
    return Libsluice.sluice_interface_version() + nextPgno();
  }

  @Benchmark
  public boolean read() {
    return pages().read(nextPgno(), TXID, page);
  }

  @Benchmark
  public byte[] readPlainFile() throws IOException {
    RandomAccessFile file = Objects.requireNonNull(plain);
    file.seek((nextPgno() - 1L) * PAGE_SIZE);
    file.readFully(page);
    return page;
  }

  /** A page that changed: it is cleared, then stored again. */
  @Benchmark
  public boolean replace() {
    int pgno = nextPgno();
    pages().clear(pgno);
    return fill(pgno);
  }

  @Benchmark
  public void writePlainFile() throws IOException {
    RandomAccessFile file = Objects.requireNonNull(plain);
    file.seek((nextPgno() - 1L) * PAGE_SIZE);
    file.write(page);
  }
}
