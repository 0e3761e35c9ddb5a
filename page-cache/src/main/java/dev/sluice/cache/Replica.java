package dev.sluice.cache;

import dev.sluice.cache.store.LocalStore;
import dev.sluice.cache.store.StoreReaders;
import dev.sluice.ltx.LtxFormatException;
import dev.sluice.ltx.Txid;
import dev.sluice.storage.Deadline;
import dev.sluice.storage.LtxFile;
import dev.sluice.storage.MeteringReplicaClient;
import dev.sluice.storage.ReplicaClient;
import dev.sluice.storage.ReplicaException;
import dev.sluice.storage.RequestMeter;
import dev.sluice.storage.Retries;
import dev.sluice.storage.Target;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.ThreadFactory;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * What one process has of one replica, whatever the number of connections: its client, its files,
 * the latest view, the views at other TXIDs that somebody reads, and one cache for all of them. It
 * follows the replica from the first view that is opened. Made and ended by {@link Replicas}.
 *
 * <p>Threads are made here and end with {@link Replicas#release}: {@code replica-<n>} opens views
 * and looks after them, {@code replica-<n>-follower} follows, {@code replica-<n>-hydrator} and
 * those with a number behind fill the page store, if that is wanted, {@code replica-<n>-timer}
 * times attempts, {@code replica-<n>-end} closes the client. A caller's thread only waits, with a
 * deadline. Thread-safe.
 */
public final class Replica {
  private static final AtomicInteger THREADS = new AtomicInteger();

  /** How long {@link #ended} waits for work that does not see that it was interrupted. */
  private static final Duration END_LIMIT = Duration.ofSeconds(60);

  /** How long one attempt to read a page may take before there is another. */
  private static final Duration PAGE_ATTEMPT = Duration.ofMillis(750);

  private final String name;
  private final ReplicaOptions options;
  private final RequestMeter meter = new RequestMeter();
  private final Duration readTimeout;
  private final SharedMemory sharedMemory;
  private final ByteBuffer controlMemory;
  private final Control control;
  private final StoreReaders storeReaders;
  private final StoredPages stored;
  private final ExecutorService executor;
  private final ScheduledExecutorService timer;
  private final Announcer announcer;
  private final Parts parts;
  private final Rescued rescued;
  private final ReadPath reads;
  private final Openings openings;
  private final StoreOpening storeOpening;
  private final FollowerThread following;
  private final Hydration hydration;
  private final Optional<BackgroundThread> follower;
  private final CompletableFuture<Boolean> ended = new CompletableFuture<>();

  /** Takes over the client. Makes no request. */
  Replica(
      ReplicaClient client, ReplicaOptions options, SharedMemory sharedMemory, ReplicaSetup setup) {
    this.options = options;
    this.readTimeout = options.readTimeout();
    this.sharedMemory = sharedMemory;
    this.controlMemory = sharedMemory.map(Control.bytes());
    this.control = new Control(controlMemory);
    this.storeReaders = sharedMemory.storeReaders(options.store().reading());
    this.name = "replica-" + THREADS.incrementAndGet();
    this.executor = Executors.newCachedThreadPool(daemons(name));
    this.timer = Executors.newSingleThreadScheduledExecutor(daemons(name + "-timer"));
    this.announcer = new Announcer(this, setup.listener());
    Random random = new Random();
    Retries retries = Retries.eager(random, timer, meter);
    Source source =
        new Source(
            new MeteringReplicaClient(client, meter),
            meter,
            new FileTable(),
            new FrameCache(options.pageCacheBytes()),
            new Fingerprints());
    this.stored = new StoredPages(source, storeReaders, first -> opening().open(first));
    this.parts = parts(source, setup, retries);
    this.rescued = new Rescued(new RescueFile(options.cacheDirectory(), options.rescueBytes()));
    Recovery.Relocating relocating =
        (listed, retrying, deadline) ->
            new Relocator(
                new FileLoader(parts.source().with(retrying), deadline),
                setup.rule(),
                parts.history().latest(),
                listed);
    Recovery recovery = new Recovery(parts, relocating, readTimeout);
    PageReader pages =
        new PageReader(parts, retries.withAttemptLimit(PAGE_ATTEMPT), rescued, recovery);
    this.reads = new ReadPath(parts, pages);
    this.openings = new Openings(parts);
    this.storeOpening = new StoreOpening(options, storeReaders, parts, openings::listed);
    boolean isByHand = setup.following() == Following.BY_HAND;
    Upkeep.Means means = new Upkeep.Means(relocating, pages, rescued, readTimeout);
    Upkeep upkeep = new Upkeep(parts, openings, means, isByHand ? Runnable::run : executor);
    Lookout lookout = new PersistentLookout(new ListingLookout(meter, setup.ticker()), retries);
    this.following =
        new FollowerThread(
            new Follower(parts, lookout, openings, upkeep), parts, random, options.pollInterval());
    this.follower =
        isByHand
            ? Optional.empty()
            : Optional.of(new BackgroundThread(name + "-follower", following));
    this.hydration = new Hydration(name + "-hydrator", options, parts, pages);
  }

  private Parts parts(Source source, ReplicaSetup setup, Retries retries) {
    History history = new History(control, stored, announcer);
    KnownContents contents = new KnownContents(source, retries);
    Identity identity = new Identity(history, contents, setup.ticker(), source.location());
    return new Parts(
        source,
        retries,
        executor,
        new CountDownLatch(1),
        setup.ticker(),
        history,
        identity,
        new StoreUpkeep(source.location(), history, identity),
        new InFlight(),
        new Troubles(),
        announcer);
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
    return parts.location();
  }

  /** Returns the options of who opened it first. */
  public ReplicaOptions options() {
    return options;
  }

  /** Returns the newest view, as {@link #at} does. */
  public View latest() throws IOException {
    return at(new Target.Latest());
  }

  /** Returns the newest view if it has been opened. */
  public Optional<View> published() {
    return parts.history().latest();
  }

  /** Returns what readers in C see of this replica. */
  public Control control() {
    return control;
  }

  private StoreOpening opening() {
    return storeOpening;
  }

  /** Returns the page store, once a view was published and if there is one. */
  Optional<LocalStore> store() {
    return stored.store();
  }

  /** Returns what names this replica's page store to its readers in C; 0 if nothing does. */
  public long storeAddress() {
    return storeReaders.address();
  }

  /** Returns the requests made so far, openings included. */
  public RequestMeter.Snapshot requests() {
    return meter.snapshot();
  }

  /**
   * Returns what is wrong: with following, until a look for news goes well; or with the last read
   * or opening that needed the storage. What is wrong with a target that one connection chose is
   * not among it.
   */
  public Optional<String> lastError() {
    return parts.troubles().last();
  }

  /** Returns how long ago a view was last proven to be the newest, or empty if it never was. */
  public Optional<Duration> sinceProven(View view) {
    OptionalLong nanos = view.provenNanos();
    return nanos.isEmpty()
        ? Optional.empty()
        : Optional.of(Duration.ofNanos(parts.ticker().getAsLong() - nanos.getAsLong()));
  }

  /** Keeps what a view of this replica needs until the hold is closed. */
  public Hold hold(View view) {
    return parts.history().hold(view);
  }

  /**
   * Returns if what this object follows is still the replica.
   *
   * @throws ViewException.Replaced if another database has taken its place
   * @throws ViewException.HistoryGone if that cannot be told any more
   * @throws ViewException.Deleted if the database was deleted
   */
  public void requireSame() throws ViewException {
    parts.history().requireSame();
  }

  /**
   * Returns the published view as soon as its TXID is {@code txid} or a later one.
   *
   * @throws ViewException.NotReached if it does not come in time
   * @throws ViewException as {@link #requireSame} if that happens meanwhile
   */
  public View awaitTxid(Txid txid, Patience patience) throws IOException {
    return parts.history().awaitTxid(txid, patience, location());
  }

  /** Returns the bytes of pages that are kept because only this process still has them. */
  public long rescuedBytes() {
    return rescued.bytes();
  }

  /** Returns the bytes that the page cache may hold. */
  public long pageCacheBytes() {
    return parts.source().cache().maximumBytes();
  }

  /** Returns the bytes that the page cache holds now. */
  public long cachedBytes() {
    return parts.source().cache().weightedBytes();
  }

  /** Returns the bytes that pages take in the page store. */
  public long storedBytes() {
    return stored.store().map(store -> store.pages().usedBytes()).orElse(0L);
  }

  /** Takes the options of one who opens it too. */
  void share(ReplicaOptions options) {
    parts.source().cache().raiseMaximum(options.pageCacheBytes());
    rescued.raiseMaximum(options.rescueBytes());
    following.lower(options.pollInterval());
    if (options.store().isHydrated()) {
      hydration.want();
    }
  }

  /** As {@link #at(Target, Patience)}, within the read timeout of whoever opened the replica. */
  public View at(Target target) throws IOException {
    return at(target, Patience.of(readTimeout));
  }

  /**
   * Returns the view at a target; the same object while somebody holds it. Asks the storage only if
   * the target is not known yet; concurrent callers share one opening.
   *
   * @throws dev.sluice.storage.PlanException.NotReachable if no file ends there: it names the TXIDs
   *     below and above
   * @throws ViewException if the files do not give that state, or as {@link #requireSame}
   * @throws LtxFormatException if a file is malformed and there is no plan without it
   * @throws ReplicaException if the storage refuses, or fails for as long as the patience lasts
   */
  public View at(Target target, Patience patience) throws IOException {
    View view = openings.at(target, patience);
    follower.ifPresent(BackgroundThread::begin);
    hydration.begin();
    return view;
  }

  /**
   * Returns how much of the latest view the page store holds, in percent: 100 once all of it is
   * there and was proven, 0 if nobody hydrates.
   */
  public double hydrationPercent() {
    return hydration.percent();
  }

  /** Returns the file that is hydrated; empty if nobody does, or it has no name. */
  public Optional<Path> hydrationFile() {
    return hydration.file();
  }

  /**
   * Makes one look for news on the caller's thread, with all that follows from it.
   *
   * @return whether a view was published
   */
  boolean poll() {
    return following.pollByHand();
  }

  /**
   * Returns whether another database has taken this replica's place, or may have: whoever acquires
   * it from now on gets another object.
   */
  public boolean isReplaced() {
    return parts.identity().isDoubtful();
  }

  /**
   * Leaves the page store's folder to who comes next, without what is in it: who reads here may
   * still have it mapped, and which pages the replica has now is another's to say.
   */
  void giveUpStore() {
    stored.discard();
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
    dst.put(reads.read(view, pgno, patience));
  }

  /** Returns the files that were listed last. */
  List<LtxFile> listedFiles() {
    return openings.listed();
  }

  /**
   * Ends requests and threads and gives the control's memory back. Returns at once, because a
   * client may take its time: what is left is done by {@code replica-<n>-end}.
   */
  void close() {
    parts.closing().countDown();
    stored.announceClose();
    parts.history().close();
    hydration.close();
    follower.ifPresent(BackgroundThread::end);
    executor.shutdownNow();
    timer.shutdownNow();
    control.close();
    sharedMemory.release(controlMemory);
    openings.close();
    daemons(name + "-end").newThread(this::end).start();
  }

  private void leaveStore() {
    try {
      hydration.keepProgress(); // beside the store
      parts.storeUpkeep().remember();
    } finally {
      stored.close();
    }
  }

  private void end() {
    try {
      try {
        leaveStore(); // before the rest: whoever opens this replica next waits for it
      } finally {
        parts.source().client().close();
      }
      Deadline deadline = Deadline.after(END_LIMIT, System::nanoTime);
      boolean isEnded =
          executor.awaitTermination(deadline.remainingNanos(), TimeUnit.NANOSECONDS)
              && (follower.isEmpty() || follower.get().isEnded(deadline))
              && hydration.isEnded(deadline);
      ended.complete(isEnded);
    } catch (InterruptedException | RuntimeException | Error e) {
      ended.completeExceptionally(e);
    } finally {
      rescued.close();
      announcer.closed();
    }
  }

  /** Completes when the client is closed, with whether no work is under way any more. */
  CompletableFuture<Boolean> ended() {
    return ended;
  }
}
