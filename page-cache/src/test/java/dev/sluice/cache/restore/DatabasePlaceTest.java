package dev.sluice.cache.restore;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.io.RandomAccessFile;
import java.io.UncheckedIOException;
import java.nio.channels.FileLock;
import java.nio.channels.OverlappingFileLockException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** How a database gets its name, and what is left of those that did not. */
class DatabasePlaceTest {
  private static final String KILLED = ".a.db.0f8fad5b-d9cb-469f-a165-70867728950e.restoring";
  private static final String LIVING = ".a.db.7c9e6679-7425-40de-944b-e07fc1f90ae7.restoring";

  @TempDir Path folder;
  private Path file;

  @BeforeEach
  void name() {
    file = folder.resolve("a.db");
  }

  private static void make(DatabasePlace place) throws IOException {
    place.begin();
    Files.writeString(place.staging(), "new");
  }

  @Test
  void placeThatWasClosedIsNotPublishedAndNothingIsDeleted() throws IOException {
    Files.writeString(file, "old");
    Path shm = Files.writeString(folder.resolve("a.db-shm"), "old");
    DatabasePlace place = new DatabasePlace(file, DatabasePlace.Existing.REPLACE);
    make(place);
    place.close();
    assertThrows(IOException.class, place::publish);
    assertThrows(IOException.class, place::begin);
    assertEquals("old", Files.readString(file));
    assertEquals(List.of(file, shm), files());
  }

  @Test
  void placeWithoutADatabaseIsNotPublishedAndNothingIsDeleted() throws IOException {
    Files.writeString(file, "old");
    Path shm = Files.writeString(folder.resolve("a.db-shm"), "old");
    try (DatabasePlace place = new DatabasePlace(file, DatabasePlace.Existing.REPLACE)) {
      assertThrows(IOException.class, place::publish);
    }
    assertEquals(List.of(file, shm), files());
  }

  /** As a shutdown hook does while the program goes on. */
  @Test
  void closingWaitsWhileTheNamesChange() throws Exception {
    Files.writeString(file, "old");
    Files.writeString(folder.resolve("a.db-shm"), "old");
    CountDownLatch isChanging = new CountDownLatch(1);
    CountDownLatch isAskedToClose = new CountDownLatch(1);
    DatabasePlace place =
        new DatabasePlace(
            file,
            DatabasePlace.Existing.REPLACE,
            step -> {
              isChanging.countDown();
              await(isAskedToClose);
            });
    make(place);
    Thread closing =
        new Thread(
            () -> {
              try {
                place.close();
              } catch (IOException e) {
                throw new UncheckedIOException(e);
              }
            });
    CompletableFuture<Void> published =
        CompletableFuture.runAsync(
            () -> {
              try {
                place.publish();
              } catch (IOException e) {
                throw new UncheckedIOException(e);
              }
            });
    await(isChanging);
    closing.start();
    long since = System.nanoTime();
    while (closing.getState() != Thread.State.BLOCKED && closing.isAlive()) {
      assertTrue(System.nanoTime() - since < TimeUnit.SECONDS.toNanos(20));
      Thread.onSpinWait();
    }
    isAskedToClose.countDown();
    published.get(20, TimeUnit.SECONDS);
    closing.join(20_000);
    assertEquals("new", Files.readString(file));
    assertEquals(List.of(file), files());
  }

  private static void await(CountDownLatch latch) {
    try {
      assertTrue(latch.await(20, TimeUnit.SECONDS));
    } catch (InterruptedException e) {
      throw new IllegalStateException(e);
    }
  }

  @Test
  void databaseThatNeedsItsLogIsNotReplaced() throws IOException {
    Files.writeString(file, "old");
    byte[] journal = new byte[600];
    System.arraycopy(CopyTransaction.MAGIC, 0, journal, 0, CopyTransaction.MAGIC.length);
    Path hot = Files.write(folder.resolve("a.db-journal"), journal);
    requireRefused(hot);
    Files.write(hot, new byte[600]); // used up, and kept
    Path wal = Files.write(folder.resolve("a.db-wal"), new byte[33]);
    requireRefused(wal);
    Files.write(wal, new byte[32]);
    try (DatabasePlace place = new DatabasePlace(file, DatabasePlace.Existing.REPLACE)) {
      make(place);
      place.publish();
    }
    assertEquals("new", Files.readString(file));
    assertEquals(List.of(file), files());
  }

  private void requireRefused(Path log) throws IOException {
    List<Path> before = files();
    try (DatabasePlace place = new DatabasePlace(file, DatabasePlace.Existing.REPLACE)) {
      make(place);
      FileSystemException failure = assertThrows(FileSystemException.class, place::publish);
      assertEquals(log.toString(), failure.getFile());
    }
    assertEquals("old", Files.readString(file));
    assertEquals(before, files());
  }

  @Test
  void withoutLinksAnEmptyFileTakesTheNameFirst() throws IOException {
    try (DatabasePlace place = new DatabasePlace(file, DatabasePlace.Existing.REFUSE)) {
      make(place);
      place.reserveAndMove();
    }
    assertEquals("new", Files.readString(file));
    assertEquals(List.of(file), files());
  }

  @Test
  void withoutLinksAFileThatCameMeanwhileIsKept() throws IOException {
    Files.writeString(file, "other");
    requireKept(step -> {});
    Files.delete(file);
    requireKept(step -> write(StandardOpenOption.WRITE));
    Files.delete(file);
    requireKept(
        step -> {
          try {
            Files.delete(file);
            Files.createFile(folder.resolve("another inode"));
            write(StandardOpenOption.CREATE_NEW);
          } catch (IOException e) {
            throw new UncheckedIOException(e);
          }
        });
  }

  private void write(StandardOpenOption option) {
    try {
      Files.writeString(file, "other", option);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private void requireKept(Consumer<DatabasePlace.Step> intruder) throws IOException {
    try (DatabasePlace place = new DatabasePlace(file, DatabasePlace.Existing.REFUSE, intruder)) {
      make(place);
      assertThrows(FileAlreadyExistsException.class, place::reserveAndMove);
    }
    assertEquals("other", Files.readString(file));
  }

  @Test
  void linkIsFollowedAsSqliteFollowsIt() throws IOException {
    Path target = Files.writeString(folder.resolve("target.db"), "old");
    Files.createSymbolicLink(file, target);
    try (DatabasePlace place = new DatabasePlace(file, DatabasePlace.Existing.REPLACE)) {
      make(place);
      place.publish();
    }
    assertTrue(Files.isSymbolicLink(file));
    assertEquals("new", Files.readString(target));
  }

  /** The living one is another process's. */
  @Test
  void whatKilledRestoresLeftGoesAndNothingElse() throws Exception {
    Files.createFile(folder.resolve(KILLED));
    Path before = Files.createFile(folder.resolve(KILLED.replace("0f8f", "1f8f")));
    Files.createFile(folder.resolve(KILLED + "-lock"));
    Path alone = Files.createFile(folder.resolve(KILLED.replace("0f8f", "2f8f") + "-lock"));
    List<Path> kept =
        Stream.of(
                LIVING,
                LIVING + "-lock",
                KILLED.replace(".a.db", ".a"),
                KILLED.replace(".a.db", ".a.db.b"),
                KILLED.replace(".restoring", ".restoring.mine"),
                ".a.db.mine.restoring")
            .map(folder::resolve)
            .sorted()
            .toList();
    for (Path path : kept) {
      Files.createFile(path);
    }
    Process holder =
        new ProcessBuilder(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-cp",
                System.getProperty("java.class.path"),
                Holder.class.getName(),
                folder.resolve(LIVING + "-lock").toString())
            .redirectError(ProcessBuilder.Redirect.INHERIT)
            .start();
    try (DatabasePlace mine = new DatabasePlace(file, DatabasePlace.Existing.REFUSE)) {
      assertEquals('1', holder.getInputStream().read());
      make(mine);
      try (DatabasePlace other = new DatabasePlace(file, DatabasePlace.Existing.REFUSE)) {
        make(other);
        assertTrue(Files.exists(mine.staging()));
      }
      requireLocked(mine.staging().resolveSibling(mine.staging().getFileName() + "-lock"));
      mine.publish();
    } finally {
      holder.destroyForcibly().waitFor();
    }
    assertFalse(Files.exists(before));
    assertFalse(Files.exists(alone));
    assertEquals(Stream.concat(kept.stream(), Stream.of(file)).sorted().toList(), files());
  }

  private static void requireLocked(Path path) throws IOException {
    try (RandomAccessFile file = new RandomAccessFile(path.toFile(), "rw")) {
      assertThrows(OverlappingFileLockException.class, () -> file.getChannel().tryLock());
    }
  }

  /** Holds a file's lock until its input ends. */
  static final class Holder {
    private Holder() {}

    public static void main(String[] args) throws IOException {
      try (RandomAccessFile file = new RandomAccessFile(args[0], "rw");
          FileLock lock = file.getChannel().lock()) {
        System.out.print(lock.isValid() ? 1 : 0);
        System.out.flush();
        System.exit(System.in.read());
      }
    }
  }

  private List<Path> files() throws IOException {
    try (Stream<Path> files = Files.list(folder)) {
      return files.sorted().toList();
    }
  }
}
