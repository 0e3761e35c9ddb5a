package dev.sluice.cache;

import dev.sluice.ltx.LockPage;
import dev.sluice.ltx.LtxFormatException;
import dev.sluice.ltx.Txid;
import dev.sluice.storage.Deadline;
import dev.sluice.storage.LtxFile;
import dev.sluice.storage.LtxFileName;
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
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.ThreadFactory;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * What one process has of one replica, whatever the number of connections: its client, its files,
 * the latest view, the views at other TXIDs that somebody reads, and one cache for all of them.
 * Made and ended by {@link Replicas}.
 *
 * <p>Threads are made here and end with {@link Replicas#release}: {@code replica-<n>} opens views,
 * {@code replica-<n>-timer} times attempts, {@code replica-<n>-end} closes the client. A caller's
 * thread only waits, with a deadline. Thread-safe: what changes is under this object's private lock
 * or volatile.
 */
public final class Replica {
  private static final Logger log = LoggerFactory.getLogger(Replica.class);
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
  private final PageReader pages;
  private final CountDownLatch closing = new CountDownLatch(1);
  private final CompletableFuture<Boolean> ended = new CompletableFuture<>();

  /** By the files of their plan, because two databases may have had the same TXID. */
  private final Map<List<Integer>, WeakReference<View>> views = new HashMap<>();

  private final ConcurrentHashMap<Target, PendingOpening> pending = new ConcurrentHashMap<>();
  private Set<LtxFile> provingFiles = Set.of();
  private volatile boolean isReplaced;
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
    PageReader.Source source = new PageReader.Source(this.client, meter, files, cache);
    this.pages = new PageReader(source, retries, () -> closing.getCount() == 0);
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

  /**
   * Returns what went wrong last with the storage or the latest view, until a read or an opening
   * went well that needed the storage. What is wrong with a target that one connection chose is not
   * among it.
   */
  public Optional<String> lastError() {
    return lastError;
  }

  /** Returns how long ago a view was last proven to be the newest, or empty if it never was. */
  public Optional<Duration> sinceProven(View view) {
    return latest.filter(newest -> newest == view).isEmpty()
        ? Optional.empty()
        : provenNanos.map(nanos -> Duration.ofNanos(System.nanoTime() - nanos));
  }

  /** Keeps what a view of this replica needs until the hold is closed. */
  public Hold hold(View view) {
    return new Hold(() -> log.trace("{} is let go", view));
  }

  /**
   * Returns if what this object follows is still the replica.
   *
   * @throws ViewException.Replaced if another database has taken its place
   * @throws ViewException.HistoryGone if that cannot be told any more
   * @throws ViewException.Deleted if the database was deleted
   */
  public void requireSame() throws ViewException {
    // Nothing follows yet.
  }

  /**
   * Returns the published view as soon as its TXID is {@code txid} or a later one.
   *
   * @throws ViewException.NotReached if it does not come in time
   */
  public View awaitTxid(Txid txid, Patience patience) throws IOException {
    View view = latest();
    if (view.txid().isBefore(txid)) {
      throw new ViewException.NotReached("TXID " + txid + " was not reached");
    }
    return view;
  }

  /** Returns the bytes of pages that are kept because only this process still has them. */
  public long rescuedBytes() {
    return 0;
  }

  /** Returns the bytes that the page cache may hold. */
  public long pageCacheBytes() {
    return cache.maximumBytes();
  }

  /** Returns the bytes that the page cache holds now. */
  public long cachedBytes() {
    return cache.weightedBytes();
  }

  void raisePageCache(long bytes) {
    cache.raiseMaximum(bytes);
  }

  /** As {@link #at(Target, Patience)}, within the read timeout of whoever opened the replica. */
  public View at(Target target) throws IOException {
    return at(target, Patience.of(readTimeout));
  }

  /**
   * Returns the view at a target; the same object while somebody holds it. Asks the storage only if
   * the target is not known yet; concurrent callers share one opening.
   *
   * <p>What is known is what the last listing said: a prefix that was deleted and begun anew is
   * seen with the next listing, which nobody makes while every target is known. From then on {@link
   * Replicas} opens the replica anew for whoever comes, and those who have it keep the views that
   * they have, as long as the storage has the files.
   *
   * @throws dev.sluice.storage.PlanException.NotReachable if no file ends there: it names the TXIDs
   *     below and above
   * @throws ViewException if the files do not give that state; {@link ViewException.HistoryGone}
   *     too if the latest one is asked for and the replica was replaced by another
   * @throws LtxFormatException if a file is malformed and there is no plan without it
   * @throws ReplicaException if the storage refuses, or fails for as long as the patience lasts
   */
  public View at(Target target, Patience patience) throws IOException {
    Deadline deadline = Deadline.after(patience.limit(), System::nanoTime);
    String what = "open " + target + " of " + location();
    while (true) {
      if (target instanceof Target.Latest && latest.isPresent()) {
        requireNotReplaced(what);
        return latest.get();
      }
      PendingOpening mine = new PendingOpening(deadline);
      PendingOpening other = pending.putIfAbsent(target, mine);
      if (other == null) {
        start(target, mine);
        return mine.await(deadline, patience.isCancelled(), what);
      }
      try {
        return other.await(deadline, patience.isCancelled(), what);
      } catch (ReplicaException.Unavailable | ViewException e) {
        if (!other.endedForWantOfTime(e) || deadline.hasPassed() || closing.getCount() == 0) {
          throw e;
        }
      }
    }
  }

  private void requireNotReplaced(String what) throws ViewException {
    if (isReplaced) {
      throw new ViewException.HistoryGone(
          what + ": the replica was replaced by another: open it again");
    }
  }

  private void start(Target target, PendingOpening opening) {
    try {
      openings.execute(() -> run(target, opening));
    } catch (RejectedExecutionException e) {
      pending.remove(target, opening);
      opening
          .result()
          .completeExceptionally(new ReplicaException.Unavailable(location() + ": closed", e));
    }
  }

  private void run(Target target, PendingOpening opening) {
    try {
      View view = open(target, opening);
      lastError = Optional.empty();
      pending.remove(target, opening);
      opening.result().complete(view);
    } catch (IOException | RuntimeException | Error e) {
      if (target instanceof Target.Latest || e instanceof ReplicaException) {
        lastError = Optional.of(String.valueOf(e.getMessage()));
      }
      pending.remove(target, opening);
      opening.result().completeExceptionally(e);
    }
  }

  private View open(Target target, PendingOpening opening) throws IOException {
    ReplicaClient retrying =
        retries.until(opening.deadline(), new TroubleNotingClient(client, opening::note));
    Planner planner = new Planner(retrying, meter, target, opening.deadline(), closing);
    planner.onTrouble(opening::note);
    if (target instanceof Target.AtTxid && listing.length > 0) {
      planner.startFrom(listedFiles());
    }
    long startNanos = System.nanoTime();
    while (true) {
      RestorePlan plan = plan(planner);
      Duration left = opening.deadline().remaining();
      try {
        View view = view(plan, retrying, opening.deadline());
        if (target instanceof Target.Latest) {
          publish(view, plan, startNanos);
        }
        return view;
      } catch (MalformedFileException e) {
        planner.avoid(e.file(), e.reason());
      } catch (ReplicaException.NotFound | ReplicaException.Conflict e) {
        planner.relist(e);
      } catch (ReplicaException.Unavailable e) {
        throw planner.lastWord(e, left);
      }
    }
  }

  /** Whatever comes of a plan, what its listing says of the latest view is true. */
  private RestorePlan plan(Planner planner) throws IOException {
    try {
      return planner.plan();
    } finally {
      planner.freshListing().ifPresent(this::compare);
    }
  }

  /**
   * A listing with a file of the latest view, unchanged, is of the same history. One with a file of
   * the same name that is another is not, and one with none of them proves nothing.
   */
  private void compare(List<LtxFile> listed) {
    listing = files.numbersOf(listed);
    synchronized (lock) {
      if (provingFiles.isEmpty()) {
        return;
      }
      Map<LtxFileName, LtxFile> byName = new HashMap<>();
      provingFiles.forEach(file -> byName.put(file.name(), file));
      boolean isProven = false;
      boolean isDisproved = false;
      for (LtxFile file : listed) {
        LtxFile remembered = byName.get(file.name());
        if (remembered != null) {
          boolean isSame =
              remembered.size() == file.size() && remembered.version().equals(file.version());
          isProven |= isSame;
          isDisproved |= !isSame;
        }
      }
      isReplaced |= isDisproved || !isProven;
    }
  }

  /** Returns whether who comes next needs another object for the same URL. */
  boolean isReplaced() {
    return isReplaced;
  }

  private View view(RestorePlan plan, ReplicaClient retrying, Deadline deadline)
      throws IOException {
    List<Integer> key = Arrays.stream(files.numbersOf(plan.files())).boxed().toList();
    synchronized (lock) {
      WeakReference<View> known = views.get(key);
      View view = known == null ? null : known.get();
      if (view != null) {
        return view;
      }
    }
    Opening opening = new Opening(retrying, meter, deadline, files, cache);
    return shared(key, opening.open(plan, dated(plan)));
  }

  /** A snapshot is dated by the file of another level that ends where it does, if there is one. */
  private Optional<LtxFile> dated(RestorePlan plan) {
    LtxFile newest = plan.files().get(plan.files().size() - 1);
    if (newest.name().level() < LtxFileName.SNAPSHOT_LEVEL) {
      return Optional.empty();
    }
    return listedFiles().stream()
        .filter(file -> file.name().level() < LtxFileName.SNAPSHOT_LEVEL)
        .filter(file -> file.name().range().max().equals(plan.txid()))
        .findFirst();
  }

  private void publish(View view, RestorePlan plan, long provenAtNanos) throws ReplicaException {
    if (!control.publish(view)) {
      throw new ReplicaException.Unavailable(location() + ": closed meanwhile");
    }
    synchronized (lock) {
      provingFiles = Set.copyOf(plan.files());
    }
    provenNanos = Optional.of(provenAtNanos);
    latest = Optional.of(view);
  }

  private View shared(List<Integer> key, View view) {
    synchronized (lock) {
      views.values().removeIf(known -> known.get() == null);
      WeakReference<View> known = views.get(key);
      View earlier = known == null ? null : known.get();
      if (earlier != null) {
        return earlier;
      }
      views.put(key, new WeakReference<>(view));
      return view;
    }
  }

  /** As the other, within the read timeout of whoever opened the replica. */
  public void read(View view, long pgno, ByteBuffer dst) throws IOException {
    read(view, pgno, dst, Patience.of(readTimeout));
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
   * @throws ReplicaException if the storage refuses, or fails for as long as the patience lasts
   */
  public void read(View view, long pgno, ByteBuffer dst, Patience patience) throws IOException {
    if (pgno < 1 || pgno > view.commit() || dst.remaining() != view.pageSize()) {
      throw new IllegalArgumentException(
          "page " + pgno + " into " + dst.remaining() + " bytes, of " + view);
    }
    if (pgno == LockPage.pgno(view.pageSize())) {
      dst.put(new byte[view.pageSize()]);
      return;
    }
    Optional<byte[]> cached = pages.cached(view, pgno);
    dst.put(cached.isPresent() ? cached.get() : fetch(view, pgno, patience));
  }

  private byte[] fetch(View view, long pgno, Patience patience) throws IOException {
    try {
      Deadline deadline = Deadline.after(patience.limit(), System::nanoTime);
      byte[] page = pages.fetch(view, pgno, deadline, patience.isCancelled());
      lastError = Optional.empty();
      return page;
    } catch (IOException e) {
      noteFailedRead(view, e);
      throw e;
    }
  }

  /** What a view of one connection lacks is no trouble of the others. */
  private void noteFailedRead(View view, IOException failure) {
    boolean isLatest = latest.filter(newest -> newest == view).isPresent();
    if (isLatest || failure instanceof ReplicaException) {
      lastError = Optional.of(String.valueOf(failure.getMessage()));
    }
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
    pending.values().forEach(opening -> opening.result().cancel(true));
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
