package dev.sluice.replicator.daemon;

import dev.sluice.cache.restore.DatabasePlace;
import dev.sluice.cache.restore.Restorer;
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
import dev.sluice.replicator.control.Databases;
import dev.sluice.replicator.control.Databases.Registered;
import dev.sluice.replicator.levels.LevelSettings;
import dev.sluice.storage.Environment;
import dev.sluice.storage.Listings;
import dev.sluice.storage.ReplicaClient;
import dev.sluice.storage.ReplicaUrl;
import dev.sluice.storage.RequestMeter;
import dev.sluice.storage.Target;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
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
  private static final Duration STALL_LIMIT = Duration.ofSeconds(60);
  private static final Duration LIST_LIMIT = Duration.ofSeconds(60);

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

  /**
   * Restores what is to be restored, and begins to replicate.
   *
   * @throws IOException if a replica cannot be used, or a database not be restored
   */
  public static Daemon start(
      Configuration configuration, Environment environment, ReplicatorListener listener)
      throws IOException {
    Daemon daemon = new Daemon(configuration, environment, listener);
    try {
      for (DatabaseEntry database : configuration.databases()) {
        daemon.restoreIfMissing(database);
      }
      daemon.look();
    } catch (IOException | RuntimeException e) {
      daemon.close();
      throw e;
    }
    if (configuration.directories().stream().anyMatch(DirectoryEntry::isWatched)) {
      daemon.directories.start();
    }
    return daemon;
  }

  public Replicator replicator() {
    return replicator;
  }

  /** Returns what it replicates, and what somebody has stopped. */
  public Databases databases() {
    return databases;
  }

  /**
   * Replicates one more database, with the settings of one of which the configuration says nothing.
   *
   * @throws IllegalArgumentException if the replica cannot be used or is another's, or the database
   *     is replicated already
   */
  public void register(Path database, ReplicaUrl replica) {
    DatabaseSettings settings = settings(DatabaseEntry.of(database, replica));
    Registered unused =
        databases.register(settings, replica.location(), () -> replicator.add(settings, replica));
  }

  private void restoreIfMissing(DatabaseEntry database) throws IOException {
    if (!database.restoresIfMissing() || Files.exists(database.path())) {
      return;
    }
    try (ReplicaClient client = database.replica().open(environment)) {
      if (isEmpty(client)) {
        log.info("{} is not restored: {} has no files", database.path(), client.location());
        return;
      }
      Path folder = Optional.ofNullable(database.path().getParent()).orElseThrow();
      Files.createDirectories(folder);
      try (Restorer restorer = new Restorer(client, new RequestMeter(), STALL_LIMIT)) {
        Restorer.Result result =
            restorer.restore(
                new Target.Latest(),
                database.path(),
                DatabasePlace.Existing.REFUSE,
                (done, total) -> {});
        log.info("{} is restored: TXID {}", database.path(), result.txid());
      }
    }
  }

  private static boolean isEmpty(ReplicaClient client) throws IOException {
    try {
      return Listings.all(client).get(LIST_LIMIT.toSeconds(), TimeUnit.SECONDS).isEmpty();
    } catch (ExecutionException e) {
      throw e.getCause() instanceof IOException known ? known : new IOException(e.getCause());
    } catch (TimeoutException e) {
      throw new IOException("list " + client.location() + ": no answer", e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IOException("list " + client.location() + ": interrupted", e);
    }
  }

  private void watchDirectories() {
    while (!isClosing) {
      try {
        Thread.sleep(LOOK_MILLIS);
        look();
      } catch (InterruptedException e) {
        return;
      } catch (IOException | RuntimeException e) {
        log.warn("look for databases: {}", e.getMessage());
      }
    }
  }

  /** Takes up what has come, and lets go of what has gone. */
  private void look() throws IOException {
    DatabaseScan.Found found = scan.look();
    logNew(found.problems());
    Set<Path> named =
        configuration.databases().stream().map(DatabaseEntry::path).collect(Collectors.toSet());
    Set<Path> there = new HashSet<>();
    for (DatabaseEntry entry : found.databases()) {
      there.add(entry.path());
      if (!taken.contains(entry.path()) && databases.find(entry.path()).isEmpty()) {
        Registered added = register(entry);
        taken.add(entry.path());
        log.info("replicate {} to {}", entry.path(), added.replica());
      }
    }
    for (Path path : List.copyOf(taken)) {
      if (!there.contains(path) && !named.contains(path)) {
        log.info("{} is gone", path);
        taken.remove(path);
        databases.find(path).ifPresent(this::letGo);
      }
    }
  }

  private void letGo(Registered database) {
    var unused = databases.unregister(database, configuration.daemon().shutdownSyncTimeout());
  }

  private Registered register(DatabaseEntry entry) throws IOException {
    DatabaseSettings settings = settings(entry);
    try {
      return databases.register(
          settings, entry.replica().url().location(), () -> replicator.add(settings, open(entry)));
    } catch (UncheckedIOException e) {
      throw e.getCause();
    } catch (IllegalArgumentException e) {
      throw new ConfigException(entry.origin(), String.valueOf(e.getMessage()), e);
    }
  }

  private ReplicaClient open(DatabaseEntry entry) {
    try {
      return entry.replica().open(environment);
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

  /** Ships what is captured, within the configured limit, and lets go of all databases. */
  @Override
  public void close() {
    isClosing = true;
    directories.interrupt();
    replicator.close();
  }
}
