package dev.sluice.cache;

import dev.sluice.ltx.FrameDecoder;
import dev.sluice.ltx.LockPage;
import dev.sluice.ltx.LtxFormatException;
import dev.sluice.ltx.Txid;
import dev.sluice.storage.Deadline;
import dev.sluice.storage.LtxFile;
import dev.sluice.storage.MeteringReplicaClient;
import dev.sluice.storage.ReplicaClient;
import dev.sluice.storage.ReplicaException;
import dev.sluice.storage.RequestMeter;
import dev.sluice.storage.RestorePlan;
import dev.sluice.storage.Retries;
import dev.sluice.storage.Target;
import java.io.IOException;
import java.lang.ref.WeakReference;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.ThreadFactory;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * What one process has of one replica, whatever the number of connections: its client, its files,
 * the latest view, the views at other TXIDs that somebody reads, and one cache for all of them.
 * Made and ended by {@link Replicas}.
 *
 * <p>Threads are made here and end with {@link Replicas#release}: {@code replica-<n>} opens views,
 * {@code replica-<n>-timer} times attempts, {@code replica-<n>-end} closes the client. A caller's thread only waits, with a deadline.
 * Thread-safe: what changes is under this object's private lock or volatile.
 */
public final class Replica {
  private static final AtomicInteger THREADS = new AtomicInteger();

  /** How long {@link #ended} waits for openings that do not see that they were interrupted. */
  private static final Duration END_LIMIT = Duration.ofSeconds(60);

  private final Object lock = new Object();
  private final String name;
  private final MeteringReplicaClient client;
  private final RequestMeter meter = new RequestMeter();
  private final Duration readTimeout;
  private final FileTable files = new FileTable();
  private final FrameCache cache;
  private final SharedMemory sharedMemory;
  private final ByteBuffer controlMemory;
  private final Control control;
  private final ExecutorService openings;
  private final ScheduledExecutorService timer;
  private final Retries retries;
  private final CountDownLatch closing = new CountDownLatch(1);
  private final CompletableFuture<Boolean> ended = new CompletableFuture<>();
  private final Map<Txid, WeakReference<View>> fixedViews = new HashMap<>();
  private final ConcurrentHashMap<Target, CompletableFuture<View>> pending =
      new ConcurrentHashMap<>();
  private volatile int[] listing = new int[0];
  private volatile Optional<View> latest = Optional.empty();
  private volatile Optional<String> lastError = Optional.empty();

  /** {@link System#nanoTime} before the listing that proved the latest view the newest. */
  private volatile Optional<Long> provenNanos = Optional.empty();

  /** Takes over the client. Makes no request. */
  Replica(ReplicaClient client, ReplicaOptions options, SharedMemory sharedMemory) {
    this.client = new MeteringReplicaClient(client, meter);
    this.readTimeout = options.readTimeout();
    this.cache = new FrameCache(options.pageCacheBytes());
    this.sharedMemory = sharedMemory;
    this.controlMemory = sharedMemory.map(Control.bytes());
    this.control = new Control(controlMemory);
    this.name = "replica-" + THREADS.incrementAndGet();
    this.openings = Executors.newCachedThreadPool(daemons(name));
    this.timer = Executors.newSingleThreadScheduledExecutor(daemons(name + "-timer"));
    this.retries = Retries.standard(new Random(), timer);
  }

  private static ThreadFactory daemons(String name) {
    return work -> {
      Thread thread = new Thread(work, name);
      thread.setDaemon(true);
      return thread;
    };
  }

  /** Returns where the replica is, without query and credentials. */
  public String location() {
    return client.location();
  }

  /** Returns the newest view, as {@link #at} does. */
  public View latest() throws IOException {
    return at(new Target.Latest());
  }

  /** Returns the newest view if it has been opened. */
  public Optional<View> published() {
    return latest;
  }

  /** Returns what readers in C see of this replica. */
  public Control control() {
    return control;
  }

  /** Returns the requests made so far, openings included. */
  public RequestMeter.Snapshot requests() {
    return meter.snapshot();
  }

  /** Returns what went wrong last, until a read or an opening that needed the storage went well. */
  public Optional<String> lastError() {
    return lastError;
  }

  /**
   * Returns how long ago the latest view was last known to be the newest, or empty if there is none
   * yet.
   */
  public Optional<Duration> sinceProven() {
    return provenNanos.map(nanos -> Duration.ofNanos(System.nanoTime() - nanos));
  }

  /** Returns the bytes that the page cache may hold. */
  public long pageCacheBytes() {
    return cache.maximumBytes();
  }

  void raisePageCache(long bytes) {
    cache.raiseMaximum(bytes);
  }

  /** As {@link #at(Target, Duration)}, within the read timeout of whoever opened the replica. */
  public View at(Target target) throws IOException {
    return at(target, readTimeout);
  }

  /**
   * Returns the view at a target; the same object while somebody holds it. Asks the storage only if
   * the target is not known yet; concurrent callers share one opening.
   *
   * @throws dev.sluice.storage.PlanException.NotReachable if no file ends there: it names the TXIDs
   *     below and above
   * @throws ViewException if the files do not give that state
   * @throws LtxFormatException if a file is malformed and there is no plan without it
   * @throws ReplicaException if the storage refuses, or fails for as long as {@code timeout}
   */
  public View at(Target target, Duration timeout) throws IOException {
    Deadline deadline = Deadline.after(timeout, System::nanoTime);
    String what = "open " + target + " of " + location();
    while (true) {
      Optional<View> known = known(target);
      if (known.isPresent()) {
        return known.get();
      }
      CompletableFuture<View> mine = new CompletableFuture<>();
      CompletableFuture<View> other = pending.putIfAbsent(target, mine);
      if (other == null) {
        start(target, deadline, mine);
        return Waits.await(mine, deadline, what);
      }
      try {
        return Waits.await(other, deadline, what);
      } catch (ReplicaException.Unavailable | ViewException.NoFiles e) {
        // The opening that was joined may have had less time than this caller has.
        if (deadline.hasPassed() || closing.getCount() == 0) {
          throw e;
        }
      }
    }
  }

  private void start(Target target, Deadline deadline, CompletableFuture<View> result) {
    Runnable opening =
        () -> {
          try {
            View view = open(target, deadline);
            pending.remove(target, result);
            result.complete(view);
          } catch (IOException | RuntimeException | Error e) {
            pending.remove(target, result);
            result.completeExceptionally(e);
          }
        };
    try {
      openings.execute(opening);
    } catch (RejectedExecutionException e) {
      pending.remove(target, result);
      result.completeExceptionally(new ReplicaException.Unavailable(location() + ": closed", e));
    }
  }

  private Optional<View> known(Target target) {
    if (target instanceof Target.Latest) {
      return latest;
    }
    return target instanceof Target.AtTxid at ? known(at.txid()) : Optional.empty();
  }

  private Optional<View> known(Txid txid) {
    Optional<View> newest = latest.filter(view -> view.txid().equals(txid));
    if (newest.isPresent()) {
      return newest;
    }
    synchronized (lock) {
      WeakReference<View> fixed = fixedViews.get(txid);
      return fixed == null ? Optional.empty() : Optional.ofNullable(fixed.get());
    }
  }

  private View open(Target target, Deadline deadline) throws IOException {
    ReplicaClient retrying = retries.until(deadline, client);
    Planner planner = new Planner(retrying, meter, target, deadline, closing);
    if (target instanceof Target.AtTxid && listing.length > 0) {
      planner.startFrom(Arrays.stream(listing).mapToObj(files::file).toList());
    }
    try {
      long startNanos = System.nanoTime();
      View view = open(planner, retrying, deadline);
      if (target instanceof Target.Latest) {
        publish(view, startNanos);
      }
      lastError = Optional.empty();
      return view;
    } catch (IOException e) {
      lastError = Optional.of(String.valueOf(e.getMessage()));
      throw e;
    }
  }

  private View open(Planner planner, ReplicaClient retrying, Deadline deadline) throws IOException {
    while (true) {
      RestorePlan plan = planner.plan();
      Optional<View> known = known(plan.txid());
      if (known.isPresent()) {
        return known.get();
      }
      try {
        View view = new Opening(retrying, meter, deadline, files, cache).open(plan);
        listing = files.numbersOf(planner.listing());
        return shared(view);
      } catch (MalformedFileException e) {
        planner.avoid(e.file(), e.reason());
      } catch (ReplicaException.NotFound | ReplicaException.Conflict e) {
        planner.relist(e);
      }
    }
  }

  private void publish(View view, long provenAtNanos) throws ReplicaException {
    if (!control.publish(view)) {
      throw new ReplicaException.Unavailable(location() + ": closed meanwhile");
    }
    provenNanos = Optional.of(provenAtNanos);
    latest = Optional.of(view);
  }

  private View shared(View view) {
    synchronized (lock) {
      fixedViews.values().removeIf(fixed -> fixed.get() == null);
      WeakReference<View> fixed = fixedViews.get(view.txid());
      View earlier = fixed == null ? null : fixed.get();
      if (earlier != null) {
        return earlier;
      }
      fixedViews.put(view.txid(), new WeakReference<>(view));
      return view;
    }
  }

  /** As the other, within the read timeout of whoever opened the replica. */
  public void read(View view, long pgno, ByteBuffer dst) throws IOException {
    read(view, pgno, dst, readTimeout);
  }

  /**
   * Fills {@code dst} with one page of a view, from the cache or the storage, as the files hold it:
   * whoever shows page 1 to SQLite lays {@link View#pageOneHeader} over it.
   *
   * @param view one of this replica
   * @param pgno 1 to the view's commit
   * @param dst {@link ByteBuffer#remaining()} is the page size; after an exception its content is
   *     undefined
   * @throws ViewException.HistoryGone if the file that holds the page is gone or was replaced
   * @throws ViewException.PageMissing if no file holds the page
   * @throws LtxFormatException if the page's frame is damaged
   * @throws ReplicaException if the storage refuses, or fails for as long as {@code timeout}
   */
  public void read(View view, long pgno, ByteBuffer dst, Duration timeout) throws IOException {
    if (pgno < 1 || pgno > view.commit() || dst.remaining() != view.pageSize()) {
      throw new IllegalArgumentException(
          "page " + pgno + " into " + dst.remaining() + " bytes, of " + view);
    }
    if (pgno == LockPage.pgno(view.pageSize())) {
      dst.put(new byte[view.pageSize()]);
      return;
    }
    dst.put(page(view, pgno, timeout));
  }

  private byte[] page(View view, long pgno, Duration timeout) throws IOException {
    PageMap pages = view.pages();
    if (!pages.contains(pgno)) {
      throw new ViewException.PageMissing(
          "read page " + pgno + " of " + location() + ": no file holds it at TXID " + view.txid());
    }
    long key = FrameCache.frameKey(pages.fileNumber(pgno), pages.offset(pgno));
    Optional<byte[]> cached = cache.find(key);
    if (cached.isPresent()) {
      return cached.get();
    }
    try {
      byte[] page = fetch(view, pgno, key, Deadline.after(timeout, System::nanoTime));
      lastError = Optional.empty();
      return page;
    } catch (ReplicaException.NotFound | ReplicaException.Conflict e) {
      ViewException gone =
          new ViewException.HistoryGone(
              "read page " + pgno + ": history gone: " + e.getMessage(), e);
      lastError = Optional.of(String.valueOf(gone.getMessage()));
      throw gone;
    } catch (IOException e) {
      lastError = Optional.of(String.valueOf(e.getMessage()));
      throw e;
    }
  }

  /**
   * A caller that joined another's fetch has its own deadline: when that fetch gave up too early,
   * it begins one.
   */
  private byte[] fetch(View view, long pgno, long key, Deadline deadline) throws IOException {
    AtomicBoolean isMine = new AtomicBoolean();
    while (true) {
      CompletableFuture<byte[]> page =
          cache.get(
              key,
              () -> {
                isMine.set(true);
                return request(view, pgno, deadline);
              });
      try {
        return Waits.await(page, deadline, "read page " + pgno + " of " + location());
      } catch (ReplicaException.Unavailable e) {
        if (isMine.get() || deadline.hasPassed() || closing.getCount() == 0) {
          throw e;
        }
      }
    }
  }

  private CompletableFuture<byte[]> request(View view, long pgno, Deadline deadline) {
    LtxFile file = files.file(view.pages().fileNumber(pgno));
    long offset = view.pages().offset(pgno);
    int frameBytes = view.pages().frameBytes(pgno);
    meter.beginRound();
    return retries
        .until(deadline, client)
        .read(file, offset, frameBytes)
        .thenApply(
            frame -> {
              byte[] page = new byte[view.pageSize()];
              try {
                FrameDecoder.decode(
                    frame,
                    0,
                    frameBytes,
                    pgno,
                    view.pageSize(),
                    page,
                    0,
                    client.location(file.name()),
                    offset);
              } catch (LtxFormatException e) {
                throw new CompletionException(e);
              }
              return page;
            });
  }

  /** Returns the files that were listed last. */
  List<LtxFile> listedFiles() {
    return Arrays.stream(listing).mapToObj(files::file).toList();
  }

  /**
   * Ends requests and threads and gives the control's memory back. Returns at once, because a
   * client may take its time: what is left is done by {@code replica-<n>-end}.
   */
  void close() {
    closing.countDown();
    openings.shutdownNow();
    timer.shutdownNow();
    control.close();
    sharedMemory.release(controlMemory);
    pending.values().forEach(view -> view.cancel(true));
    daemons(name + "-end").newThread(this::end).start();
  }

  private void end() {
    try {
      client.close();
      boolean isEnded = openings.awaitTermination(END_LIMIT.toSeconds(), TimeUnit.SECONDS);
      ended.complete(isEnded);
    } catch (InterruptedException | RuntimeException | Error e) {
      ended.completeExceptionally(e);
    }
  }

  /** Completes when the client is closed, with whether no opening is under way any more. */
  CompletableFuture<Boolean> ended() {
    return ended;
  }
}
