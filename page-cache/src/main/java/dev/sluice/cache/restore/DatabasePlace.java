package dev.sluice.cache.restore;

import java.io.Closeable;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.AtomicMoveNotSupportedException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.List;
import java.util.Optional;
import java.util.UUID;

/**
 * The place of a new database: it is made under a name of its own beside the place, and gets its
 * own when it is whole. Confined to one thread at a time, {@link #close()} excepted.
 */
public final class DatabasePlace implements Closeable {

  /**
   * What SQLite leaves beside a database; beside another database of that name it would be played
   * into it.
   */
  private static final List<String> COMPANIONS = List.of("-wal", "-journal", "-shm");

  private final Path file;
  private final Path staging;
  private final Existing existing;

  /** What to do about a file that has the name already. */
  public enum Existing {
    REFUSE,
    /** Nobody may have the old database open; its journal and WAL are deleted with it. */
    REPLACE
  }

  /** Takes the path that the database is to have; touches nothing. */
  public DatabasePlace(Path out, Existing existing) {
    this.file = out.toAbsolutePath();
    this.staging =
        file.resolveSibling("." + file.getFileName() + "." + UUID.randomUUID() + ".restoring");
    this.existing = existing;
  }

  /** Returns where the database goes. */
  public Path file() {
    return file;
  }

  /** Returns where it is made: in the same folder. */
  public Path staging() {
    return staging;
  }

  /** Returns what is not to be replaced and yet is there: the file, or a companion of it. */
  public Optional<Path> inTheWay() {
    if (existing == Existing.REPLACE) {
      return Optional.empty();
    }
    if (Files.exists(file, LinkOption.NOFOLLOW_LINKS)) {
      return Optional.of(file);
    }
    return COMPANIONS.stream()
        .map(this::companion)
        .filter(path -> Files.exists(path, LinkOption.NOFOLLOW_LINKS))
        .findFirst();
  }

  /**
   * Throws if something is in the way.
   *
   * @throws FileAlreadyExistsException names it
   */
  public void requireFree() throws FileAlreadyExistsException {
    Optional<Path> obstacle = inTheWay();
    if (obstacle.isPresent()) {
      throw new FileAlreadyExistsException(obstacle.get().toString());
    }
  }

  /**
   * Gives the finished and synced database its name. Durable when this returns, where a folder can
   * be synced.
   *
   * @throws FileAlreadyExistsException if something came into the way meanwhile
   */
  public void publish() throws IOException {
    requireFree();
    if (existing == Existing.REFUSE) {
      linkOrMove();
    } else {
      // A database without its log may be older than it was; the other order would leave the new
      // one with a log not its own.
      for (String suffix : COMPANIONS) {
        Files.deleteIfExists(companion(suffix));
      }
      moveOver(staging, file);
    }
    syncFolderOf(file);
  }

  /** A link fails where a rename would replace a file that came meanwhile. */
  private void linkOrMove() throws IOException {
    try {
      Files.createLink(file, staging);
    } catch (FileAlreadyExistsException e) {
      throw e;
    } catch (IOException | UnsupportedOperationException e) {
      moveOver(staging, file);
    }
  }

  static void moveOver(Path from, Path to) throws IOException {
    try {
      Files.move(from, to, StandardCopyOption.ATOMIC_MOVE);
    } catch (AtomicMoveNotSupportedException e) {
      Files.move(from, to, StandardCopyOption.REPLACE_EXISTING);
    }
  }

  /** Makes names last that were given or taken. */
  static void syncFolderOf(Path file) {
    try (FileChannel folder = FileChannel.open(file.resolveSibling("."), StandardOpenOption.READ)) {
      folder.force(true);
    } catch (IOException e) {
      // Not every file system can sync a folder; the file itself is synced.
    }
  }

  private Path companion(String suffix) {
    return file.resolveSibling(file.getFileName() + suffix);
  }

  /** Removes what was being made; any thread may call. */
  @Override
  public void close() throws IOException {
    Files.deleteIfExists(staging);
  }
}
