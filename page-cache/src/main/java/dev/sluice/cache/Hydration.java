package dev.sluice.cache;

import dev.sluice.cache.bulk.BulkReader;
import dev.sluice.cache.store.LocalStore;
import dev.sluice.cache.store.PageStore;
import dev.sluice.storage.Deadline;
import java.nio.file.Path;
import java.util.Optional;

/**
 * Whether a replica's page store is filled without being asked, and how far that is. Thread-safe.
 */
final class Hydration implements AutoCloseable {
  /** What is shown of a store in which nothing is missing that has not been proven yet. */
  private static final double NEARLY = 99.9;

  private final Parts parts;
  private final StoredPages stored;
  private final Hydrator hydrator;
  private final boolean isPossible;
  private final BackgroundThread thread;
  private volatile boolean isWanted;

  Hydration(String threadName, ReplicaOptions options, Parts parts, PageReader pages) {
    this.parts = parts;
    this.stored = parts.history().stored();
    this.isWanted = options.store().isHydrated();
    this.isPossible = options.store().place() != StoreOptions.Place.OFF;
    HydrationPace pace =
        new HydrationPace(
            options.store().hydrationBytesPerSecond(), pages::waiting, System::nanoTime);
    BulkReader reader = reader(threadName, options, pace);
    this.hydrator = new Hydrator(threadName, parts, pages, reader, pace);
    this.thread = new BackgroundThread(threadName, hydrator);
    stored.onPublished(hydrator::wake);
  }

  private BulkReader reader(String threadName, ReplicaOptions options, HydrationPace pace) {
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
    if (isWanted && isPossible) {
      thread.begin();
    }
  }

  /** As {@link Replica#hydrationPercent}. */
  double percent() {
    Optional<View> latest = parts.history().latest();
    Optional<PageStore> store = latest.flatMap(stored::pagesFor);
    if (!thread.hasBegun() || store.isEmpty()) {
      return 0;
    }
    double share = 100.0 * store.get().pageCount() / latest.get().commit();
    return hydrator.hasAllOf(latest.get()) ? 100 : Math.min(share, NEARLY);
  }

  /** As {@link Replica#hydrationFile}. */
  Optional<Path> file() {
    return thread.hasBegun() ? stored.store().flatMap(LocalStore::file) : Optional.empty();
  }

  /** Has it end soon. Idempotent. */
  @Override
  public void close() {
    thread.end();
  }

  /** Keeps how far it is, for the next process; waits for the file system. */
  void keepProgress() {
    hydrator.keepProgress();
  }

  /** Returns whether it has ended, at the deadline at the latest. */
  boolean isEnded(Deadline deadline) throws InterruptedException {
    return thread.isEnded(deadline);
  }
}
