package dev.sluice.replicator;

import java.io.IOException;
import java.nio.file.ClosedWatchServiceException;
import java.nio.file.FileSystems;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardWatchEventKinds;
import java.nio.file.WatchEvent;
import java.nio.file.WatchKey;
import java.nio.file.WatchService;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Wakes those whose database, or its WAL, may have changed: at once where the system tells, and by
 * looking at the files' times and sizes now and then, as not every file system does.
 *
 * <p>Only a hint. A WAL that has begun anew keeps its size, and a time may be the same after two
 * changes: what a database contains is asked of SQLite. One thread and one watch for each directory
 * whatever the number of databases. Thread-safe.
 */
final class ChangeWatch implements AutoCloseable {
  private static final Logger log = LoggerFactory.getLogger(ChangeWatch.class);
  private static final long LOOK_NANOS = TimeUnit.MILLISECONDS.toNanos(250);

  /** What one database's look may cost: a thousand of them are looked at once a second. */
  private static final long LOOK_NANOS_EACH = TimeUnit.MILLISECONDS.toNanos(1);

  private static final WatchEvent.Kind<?>[] KINDS = {
    StandardWatchEventKinds.ENTRY_CREATE,
    StandardWatchEventKinds.ENTRY_MODIFY,
    StandardWatchEventKinds.ENTRY_DELETE
  };

  private final Map<Path, Watched> byDatabase = new ConcurrentHashMap<>();

  /** Where a database's path leads to, if that is elsewhere: its WAL is there. */
  private final Map<Path, Watched> byTarget = new ConcurrentHashMap<>();

  private final Map<Path, WatchKey> byFolder = new ConcurrentHashMap<>();
  private final Optional<WatchService> service;
  private final Thread thread;
  private volatile boolean isClosed;

  /** One database; what was seen of it is confined to the watch's thread. */
  private static final class Watched {
    private final Path database;
    private final Runnable wake;
    private long seen;

    /** Set by anybody: what the database's path leads to. */
    private volatile Path target;

    /** Set by anybody. */
    private volatile boolean isPaused;

    Watched(Path database, Runnable wake) {
      this.database = database;
      this.target = database;
      this.wake = wake;
    }

    void look() {
      long now = 31 * state(target) + state(Path.of(target + "-wal"));
      if (now != seen) {
        seen = now;
        wake.run();
      }
    }

    private static long state(Path file) {
      try {
        BasicFileAttributes is = Files.readAttributes(file, BasicFileAttributes.class);
        return 31 * is.lastModifiedTime().to(TimeUnit.NANOSECONDS) + is.size() + 1;
      } catch (IOException e) {
        return 0;
      }
    }
  }

  ChangeWatch() {
    service = newService();
    thread = new Thread(this::run, "sluice-watch");
    thread.setDaemon(true);
    thread.start();
  }

  private static Optional<WatchService> newService() {
    try {
      return Optional.of(FileSystems.getDefault().newWatchService());
    } catch (IOException e) {
      log.warn("changes are not told by the system, and are looked for instead: {}", e.toString());
      return Optional.empty();
    }
  }

  /** Has {@code wake} called, on the watch's thread, whenever the database may have changed. */
  void add(Path database, Runnable wake) {
    byDatabase.put(database, new Watched(database, wake));
    watch(database);
  }

  void remove(Path database) {
    Optional<Watched> removed = Optional.ofNullable(byDatabase.remove(database));
    unwatchIfUseless(folder(database));
    removed.ifPresent(this::unfollow);
  }

  /** Watches what a path leads to by now, too, if it is a symbolic link. */
  void follow(Path database) {
    Optional<Watched> watched = Optional.ofNullable(byDatabase.get(database));
    if (watched.isEmpty()) {
      return;
    }
    Path target;
    try {
      target = Files.isSymbolicLink(database) ? database.toRealPath() : database;
    } catch (IOException e) {
      return; // it is gone, and is followed when it is attached again
    }
    if (!target.equals(watched.get().target)) {
      unfollow(watched.get());
      watched.get().target = target;
      if (!target.equals(database)) {
        byTarget.put(target, watched.get());
        watch(target);
      }
    }
  }

  private void unfollow(Watched watched) {
    if (byTarget.remove(watched.target, watched)) {
      unwatchIfUseless(folder(watched.target));
    }
  }

  /**
   * Calls nobody for a database until {@link #resume}. While there is a change every few
   * microseconds telling of each costs more than looking now and then, and the writer pays for it.
   */
  void pause(Path database) {
    Optional<Watched> watched = Optional.ofNullable(byDatabase.get(database));
    if (watched.isPresent()) {
      watched.get().isPaused = true;
      unwatchIfUseless(folder(database));
      unwatchIfUseless(folder(watched.get().target));
    }
  }

  /** Calls again; what has changed meanwhile is the caller's to look for, after this. */
  void resume(Path database) {
    Optional<Watched> watched = Optional.ofNullable(byDatabase.get(database));
    if (watched.isPresent()) {
      watched.get().isPaused = false;
      watch(database);
      watch(watched.get().target);
    }
  }

  private void unwatchIfUseless(Path folder) {
    boolean isUseless =
        byDatabase.values().stream().noneMatch(other -> !other.isPaused && isIn(other, folder));
    if (isUseless) {
      Optional.ofNullable(byFolder.remove(folder)).ifPresent(WatchKey::cancel);
    }
  }

  private static boolean isIn(Watched watched, Path folder) {
    return folder(watched.database).equals(folder) || folder(watched.target).equals(folder);
  }

  private static Path folder(Path database) {
    return Optional.ofNullable(database.getParent()).orElseThrow();
  }

  /** A folder that is not there yet is watched when it is. */
  private void watch(Path database) {
    Path folder = folder(database);
    WatchKey key = byFolder.get(folder);
    if (service.isEmpty() || (key != null && key.isValid())) {
      return;
    }
    try {
      byFolder.put(folder, folder.register(service.get(), KINDS));
    } catch (IOException e) {
      log.debug("{} is not watched: {}", folder, e.toString());
    } catch (ClosedWatchServiceException e) {
      isClosed = true;
    }
  }

  private void run() {
    long lookNanos = System.nanoTime();
    while (!isClosed) {
      try {
        awaitEvents(lookNanos - System.nanoTime());
        if (System.nanoTime() - lookNanos >= 0) {
          long pause = Math.max(LOOK_NANOS, byDatabase.size() * LOOK_NANOS_EACH);
          lookNanos = System.nanoTime() + pause; // a look that fails is not repeated at once
          byDatabase.values().forEach(this::look);
        }
      } catch (InterruptedException | ClosedWatchServiceException e) {
        return;
      } catch (RuntimeException | Error e) {
        log.error("a database could not be woken", e);
      }
    }
  }

  private void look(Watched watched) {
    if (watched.isPaused) {
      return;
    }
    watch(watched.database); // its key may have been taken away with that of another
    watch(watched.target);
    watched.look();
  }

  private void awaitEvents(long nanos) throws InterruptedException {
    if (service.isEmpty()) {
      TimeUnit.NANOSECONDS.sleep(Math.max(0, nanos));
      return;
    }
    WatchKey key = service.get().poll(Math.max(0, nanos), TimeUnit.NANOSECONDS);
    while (key != null) {
      try {
        tell(key);
      } finally {
        key.reset();
      }
      key = service.get().poll();
    }
  }

  private void tell(WatchKey key) {
    Path folder = (Path) key.watchable();
    List<Watched> told = new ArrayList<>();
    for (WatchEvent<?> event : key.pollEvents()) {
      if (event.context() instanceof Path name) {
        String file = name.toString();
        String database = file.endsWith("-wal") ? file.substring(0, file.length() - 4) : file;
        Path path = folder.resolve(database);
        Optional.ofNullable(byDatabase.get(path)).ifPresent(told::add);
        Optional.ofNullable(byTarget.get(path)).ifPresent(told::add);
      } else {
        // Some were lost: anything may have changed.
        byDatabase.forEach(
            (path, watched) -> {
              if (isIn(watched, folder)) {
                told.add(watched);
              }
            });
      }
    }
    told.stream().filter(watched -> !watched.isPaused).forEach(watched -> watched.wake.run());
  }

  @Override
  public void close() {
    isClosed = true;
    thread.interrupt();
    if (service.isPresent()) {
      try {
        service.get().close();
      } catch (IOException e) {
        log.debug("end of the watch: {}", e.toString());
      }
    }
  }
}
