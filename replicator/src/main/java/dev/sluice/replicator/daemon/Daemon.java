package dev.sluice.replicator.daemon;

import dev.sluice.replicator.DatabaseSettings;
import dev.sluice.replicator.Replicator;
import dev.sluice.replicator.ReplicatorListener;
import dev.sluice.replicator.Writing;
import dev.sluice.replicator.config.ConfigException;
import dev.sluice.replicator.config.Configuration;
import dev.sluice.replicator.config.DatabaseEntry;
import dev.sluice.replicator.config.DatabaseScan;
import dev.sluice.replicator.config.DirectoryEntry;
import dev.sluice.replicator.config.HistorySettings;
import dev.sluice.replicator.config.ReplicaEntry;
import dev.sluice.replicator.control.Databases;
import dev.sluice.replicator.control.Databases.Registered;
import dev.sluice.replicator.levels.LevelSettings;
import dev.sluice.replicator.spool.SpoolGlance;
import dev.sluice.storage.Environment;
import dev.sluice.storage.ReplicaClient;
import dev.sluice.storage.ReplicaUrl;
import java.io.IOException;
import java.io.InterruptedIOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.stream.Collectors;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Replicates the databases of a configuration: those that are named from the start on, those of
 * directories as they come and go.
 *
 * <p>Thread-safe.
 */
public final class Daemon implements AutoCloseable {
  private static final Logger log = LoggerFactory.getLogger(Daemon.class);
  private static final long LOOK_MILLIS = 1_000;

  /** A process that had the databases before may be about to end. */
  static final Duration IN_USE_LIMIT = Duration.ofSeconds(3);

  private static final long IN_USE_LOOK_MILLIS = 200;
  private static final Duration ABANDON_LIMIT = Duration.ofSeconds(3);

  private final Configuration configuration;
  private final Environment environment;
  private final DatabaseScan scan;
  private final Replicator replicator;
  private final Databases databases = new Databases();

  /** What was taken up and is there still, though somebody may have unregistered it. */
  private final Set<Path> taken = ConcurrentHashMap.newKeySet();

  private final Thread directories;
  private Set<String> problems = Set.of();
  private volatile boolean isClosing;

  private Daemon(
      Configuration configuration, Environment environment, ReplicatorListener listener) {
    this.configuration = configuration;
    this.environment = environment;
    this.scan = new DatabaseScan(configuration);
    this.replicator =
        Replicator.builder()
            .environment(environment)
            .endLimit(configuration.daemon().shutdownSyncTimeout())
            .listener(listener)
            .start();
    this.directories = new Thread(this::watchDirectories, "sluice-directories");
    this.directories.setDaemon(true);
  }

  /** Returns a daemon that touches nothing before {@link #begin}. */
  public static Daemon of(
      Configuration configuration, Environment environment, ReplicatorListener listener) {
    return new Daemon(configuration, environment, listener);
  }

  /**
   * Restores what is to be restored, and begins to replicate; to be called once. The former takes
   * as long as it takes, or until this thread is interrupted.
   *
   * @throws IOException if a replica cannot be used, or a database not be restored, or there is
   *     nothing to do, or if it was interrupted: the caller closes this
   */
  public void begin() throws IOException {
    for (DatabaseEntry database : configuration.databases()) {
      requireFolders(database);
    }
    requireUnused();
    try (FirstRestore restore = new FirstRestore(environment, this::shipLeft)) {
      for (DatabaseEntry database : configuration.databases()) {
        restore.restoreIfMissing(database);
      }
    }
    List<IOException> failures = look();
    if (!failures.isEmpty()) {
      throw failures.get(0);
    }
    boolean isWatching = configuration.directories().stream().anyMatch(DirectoryEntry::isWatched);
    if (isWatching) {
      directories.start();
    } else if (taken.isEmpty()) {
      throw new IOException(problems.stream().findFirst().orElse("there is no database"));
    }
  }

  private void shipLeft(DatabaseEntry database) throws IOException {
    ReplicaClient client = database.replica().open(environment);
    replicator.shipLeft(settings(database), client, FirstRestore.PATIENCE);
  }

  /** A database may come later; a folder that is not there, or not open to us, is a slip. */
  private static void requireFolders(DatabaseEntry database) throws ConfigException {
    Path folder = Optional.ofNullable(database.path().getParent()).orElseThrow();
    boolean isMade = database.restoresIfMissing() && !Files.exists(folder);
    if (!isMade && !Files.isDirectory(folder)) {
      throw new ConfigException(
          database.origin(), database.path() + ": there is no folder " + folder);
    }
    if (!isMade && !Files.isExecutable(folder)) {
      throw new ConfigException(
          database.origin(), database.path() + ": permission denied: " + folder);
    }
    Path spool = database.metaPath();
    Path there = spool;
    while (!Files.exists(there)) {
      there = Optional.ofNullable(there.getParent()).orElseThrow();
    }
    if (!Files.isWritable(there)) {
      throw new ConfigException(
          database.origin(),
          database.path()
              + ": the spool "
              + spool
              + " cannot be written: "
              + there
              + " is read-only");
    }
  }

  /** One of several that another process has is waited for; if it has all, this is a slip. */
  private void requireUnused() throws IOException {
    List<DatabaseEntry> named = configuration.databases();
    long begunNanos = System.nanoTime();
    boolean isAll = !named.isEmpty() && configuration.directories().isEmpty();
    while (isAll && named.stream().allMatch(Daemon::isInUse)) {
      if (System.nanoTime() - begunNanos > IN_USE_LIMIT.toNanos()) {
        throw new IOException(
            named.get(0).path()
                + ": another process replicates this database; only one may do that at a time");
      }
      pauseInUse();
    }
  }

  /** Pauses between two looks whether another process has a database. */
  static void pauseInUse() throws InterruptedIOException {
    try {
      Thread.sleep(IN_USE_LOOK_MILLIS);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new InterruptedIOException("wait for another process: interrupted");
    }
  }

  private static boolean isInUse(DatabaseEntry database) {
    try {
      return SpoolGlance.isInUse(database.metaPath());
    } catch (IOException e) {
      return false; // why it cannot be used is said when it is opened
    }
  }

  public Replicator replicator() {
    return replicator;
  }

  /** Returns what it replicates, and what somebody has stopped. */
  public Databases databases() {
    return databases;
  }

  /**
   * Replicates one more database, with what the configuration says of all.
   *
   * @throws IllegalArgumentException if the replica cannot be used or is another's, or the database
   *     is replicated already
   */
  public void register(Path database, ReplicaUrl replica) {
    try {
      DatabaseEntry entry = configuration.registration().entry(database, replica);
      scan.know(entry.path());
      Registered unused = register(entry);
    } catch (ConfigException e) {
      boolean isOfTheFile = e.origin().line() > 0;
      throw new IllegalArgumentException(isOfTheFile ? e.getMessage() : e.why(), e);
    } catch (IOException e) {
      throw new IllegalArgumentException(e.getMessage(), e);
    }
  }

  private void watchDirectories() {
    while (!isClosing) {
      try {
        Thread.sleep(LOOK_MILLIS);
        List<IOException> unused = look();
      } catch (InterruptedException e) {
        return;
      } catch (RuntimeException e) {
        logNew(List.of("look for databases: " + e));
      }
    }
  }

  /**
   * Takes up what has come, and lets go of what has gone; returns why some cannot be taken up,
   * which it has logged.
   */
  private List<IOException> look() {
    DatabaseScan.Found found = scan.look();
    List<String> left = new ArrayList<>(found.problems());
    List<IOException> failures = new ArrayList<>();
    Set<Path> there = new HashSet<>();
    for (DatabaseEntry entry : found.databases()) {
      there.add(entry.path());
      if (!taken.contains(entry.path()) && databases.find(entry.path()).isEmpty()) {
        try {
          Registered added = register(entry);
          taken.add(entry.path());
          log.info("replicate {} to {}", entry.path(), added.replica());
        } catch (IOException e) {
          left.add(String.valueOf(e.getMessage()));
          failures.add(e);
        }
      }
    }
    logNew(left);
    Set<Path> named =
        configuration.databases().stream().map(DatabaseEntry::path).collect(Collectors.toSet());
    for (Path path : List.copyOf(taken)) {
      if (!there.contains(path) && !named.contains(path)) {
        log.info("{} is gone", path);
        taken.remove(path);
        var unused = databases.unregister(path, configuration.daemon().shutdownSyncTimeout());
      }
    }
    return failures;
  }

  private Registered register(DatabaseEntry entry) throws IOException {
    DatabaseSettings settings = settings(entry);
    ReplicaEntry replica = entry.replica();
    try {
      return databases.register(
          settings,
          replica.url().location(),
          replica.place(),
          () -> replicator.add(settings, open(replica)));
    } catch (UncheckedIOException e) {
      throw e.getCause();
    } catch (IllegalArgumentException e) {
      throw new ConfigException(entry.origin(), String.valueOf(e.getMessage()), e);
    }
  }

  private ReplicaClient open(ReplicaEntry replica) {
    try {
      return replica.open(environment);
    } catch (ConfigException e) {
      throw new UncheckedIOException(e);
    }
  }

  private void logNew(List<String> found) {
    List<String> fresh = new ArrayList<>(found);
    fresh.removeAll(problems);
    fresh.forEach(log::warn);
    problems = Set.copyOf(found);
  }

  private DatabaseSettings settings(DatabaseEntry entry) {
    return DatabaseSettings.of(entry.path())
        .withMetaPath(entry.metaPath())
        .withSyncInterval(entry.replica().syncInterval())
        .withSpoolBytesMax(entry.capture().spoolBytesMax())
        .withCheckpointPages(entry.capture().minCheckpointPageCount())
        .withOwnProcess(true)
        .withWriting(writing(entry))
        .withLevels(levels(configuration.history()));
  }

  private static Writing writing(DatabaseEntry entry) {
    if (entry.replica().leaseTtl().isPresent()) {
      return new Writing.Leased(entry.replica().leaseTtl().get());
    }
    return entry.replica().allowsUnconditionalWrites()
        ? new Writing.Unguarded()
        : new Writing.Conditional();
  }

  private static LevelSettings levels(HistorySettings history) {
    return new LevelSettings(
        history.levels(),
        history.snapshotInterval(),
        history.snapshotRetention(),
        history.l0Retention(),
        history.deletes());
  }

  /** Lets go of all databases, whatever is not shipped; {@link #close} is still to be called. */
  public void abandon() {
    CompletableFuture<?>[] ends =
        replicator.databases().stream()
            .map(database -> database.end(Duration.ZERO))
            .toArray(CompletableFuture<?>[]::new);
    try {
      CompletableFuture.allOf(ends).get(ABANDON_LIMIT.toMillis(), TimeUnit.MILLISECONDS);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    } catch (ExecutionException | TimeoutException e) {
      log.debug("abandon", e);
    }
  }

  /** Ships what is captured, within the configured limit, and lets go of all databases. */
  @Override
  public void close() {
    isClosing = true;
    directories.interrupt();
    replicator.close();
  }
}
