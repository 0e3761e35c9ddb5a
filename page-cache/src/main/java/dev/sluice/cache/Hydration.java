package dev.sluice.cache;

import dev.sluice.cache.bulk.BulkReader;
import dev.sluice.cache.store.LocalStore;
import dev.sluice.cache.store.PageStore;
import dev.sluice.storage.Deadline;
import java.nio.file.Path;
import java.util.Optional;

/**
 * Whether a replica's page store is filled without being asked, and how far that is. Thread-safe:
 * what changes is under this object's lock.
 */
final class Hydration implements AutoCloseable {
  /** What is shown of a store in which nothing is missing that has not been proven yet. */
  private static final double NEARLY = 99.9;

  private final String threadName;
  private final Parts parts;
  private final StoredPages stored;
  private final Hydrator hydrator;
  private final boolean isPossible;
  private Optional<Thread> thread = Optional.empty();
  private boolean isClosed;
  private volatile boolean isWanted;

  Hydration(String threadName, ReplicaOptions options, Parts parts, PageReader pages) {
    this.threadName = threadName;
    this.parts = parts;
    this.stored = parts.history().stored();
    this.isWanted = options.store().isHydrated();
    this.isPossible = options.store().place() != StoreOptions.Place.OFF;
    HydrationPace pace =
        new HydrationPace(
            options.store().hydrationBytesPerSecond(), pages::waiting, System::nanoTime);
    BulkReader reader = reader(options, pace);
    this.hydrator = new Hydrator(threadName, parts, pages, reader, pace);
    stored.onPublished(hydrator::wake);
  }

  private BulkReader reader(ReplicaOptions options, HydrationPace pace) {
    Source source = parts.source();
    BulkReader.Setup setup =
        BulkReader.Setup.of(threadName, options.readTimeout())
            .withClosing(parts.closing())
            .withKnown(
                file -> source.cache().find(FrameCache.summaryKey(source.files().numberOf(file))))
            .withPace(pace);
    return new BulkReader(source.client(), source.meter(), parts.retries(), setup);
  }

  /** Has the store filled from the next {@link #begin} on. */
  void want() {
    isWanted = true;
  }

  /** Has the store filled from now on, if that is wanted and there is to be one. Idempotent. */
  void begin() {
    if (isWanted) {
      start();
    }
  }

  private synchronized void start() {
    if (isPossible && !isClosed && thread.isEmpty()) {
      Thread begun = new Thread(hydrator, threadName);
      begun.setDaemon(true);
      begun.start();
      thread = Optional.of(begun);
    }
  }

  /** As {@link Replica#hydrationPercent}. */
  double percent() {
    Optional<View> latest = parts.history().latest();
    Optional<PageStore> store = latest.flatMap(stored::pagesFor);
    synchronized (this) {
      if (thread.isEmpty() || store.isEmpty()) {
        return 0;
      }
    }
    double share = 100.0 * store.get().pageCount() / latest.get().commit();
    return hydrator.hasAllOf(latest.get()) ? 100 : Math.min(share, NEARLY);
  }

  /** As {@link Replica#hydrationFile}. */
  Optional<Path> file() {
    synchronized (this) {
      if (thread.isEmpty()) {
        return Optional.empty();
      }
    }
    return stored.store().flatMap(LocalStore::file);
  }

  /** Has it end soon. Idempotent. */
  @Override
  public synchronized void close() {
    isClosed = true;
    thread.ifPresent(Thread::interrupt);
    hydrator.keepProgress();
  }

  /** Returns whether it has ended, at the deadline at the latest. */
  boolean isEnded(Deadline deadline) throws InterruptedException {
    Optional<Thread> running;
    synchronized (this) {
      running = thread;
    }
    if (running.isPresent()) {
      running.get().join(Math.max(1, deadline.remaining().toMillis()));
    }
    return running.isEmpty() || !running.get().isAlive();
  }
}
