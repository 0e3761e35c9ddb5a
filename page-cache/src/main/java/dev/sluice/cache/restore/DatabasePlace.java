package dev.sluice.cache.restore;

import java.io.Closeable;
import java.io.IOException;
import java.io.InputStream;
import java.nio.channels.FileChannel;
import java.nio.file.AccessDeniedException;
import java.nio.file.AtomicMoveNotSupportedException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.function.Consumer;

/**
 * The place of a new database: it is made under a name of its own beside the place, and gets its
 * own when it is whole. A symbolic link is followed, as SQLite does, which has journal and WAL
 * beside the file that it leads to.
 *
 * <p>One database with the log of another is a corrupt one, and two names do not change at once. So
 * an old database is replaced only when it is whole without its journal and WAL: then it does not
 * matter which of the three goes first, nor after which a crash comes. Confined to one thread at a
 * time, {@link #close()} excepted; one lock has the name given or the file removed, never both.
 */
public final class DatabasePlace implements Closeable {
  private static final String WAL = "-wal";
  private static final String JOURNAL = "-journal";

  /**
   * What SQLite leaves beside a database; beside another database of that name it would be played
   * into it.
   */
  private static final List<String> COMPANIONS = List.of(WAL, JOURNAL, "-shm");

  /** A WAL is 32 bytes of header and frames; a journal begins with 28 that tell what follows. */
  private static final int WAL_HEADER_BYTES = 32;

  private static final int JOURNAL_HEADER_BYTES = 28;

  private final Path file;
  private final Existing existing;
  private final Consumer<Step> steps;
  private final StagingFile staging;

  private enum State {
    OPEN,
    PUBLISHED,
    CLOSED
  }

  /** Changes under the lock of this object. */
  private State state = State.OPEN;

  /** What to do about a file that has the name already. */
  public enum Existing {
    REFUSE,
    /** Nobody may have the old database open; its journal and WAL are deleted with it. */
    REPLACE
  }

  /** What has just been done to the names: the points at which a crash makes a difference. */
  public enum Step {
    COMPANION_DELETED,
    /** Where there are no hard links: an empty file has the name. */
    RESERVED,
    NAMED
  }

  /** Takes the path that the database is to have; touches nothing. */
  public DatabasePlace(Path out, Existing existing) {
    this(out, existing, step -> {});
  }

  /** As the other, with somebody to be told of each step. */
  public DatabasePlace(Path out, Existing existing, Consumer<Step> steps) {
    this.file = real(out);
    this.existing = existing;
    this.steps = steps;
    this.staging = new StagingFile(file);
  }

  /**
   * Returns the file that SQLite opens by a path: a symbolic link is followed if it leads to one.
   */
  static Path real(Path path) {
    try {
      return Files.isSymbolicLink(path) ? path.toRealPath() : path.toAbsolutePath();
    } catch (IOException e) {
      return path.toAbsolutePath();
    }
  }

  /** Returns where the database goes. */
  public Path file() {
    return file;
  }

  /** Returns where it is made: in the same folder. */
  public Path staging() {
    return staging.path();
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
   * Returns the journal or WAL without which the database that is to be replaced would not be
   * whole: SQLite is to roll it back, or to checkpoint it, before {@link #publish}.
   */
  public Optional<Path> unsettled() throws IOException {
    boolean isDatabase = Files.isRegularFile(file) && Files.size(file) > 0;
    if (existing == Existing.REFUSE || !isDatabase) {
      return Optional.empty();
    }
    Path journal = companion(JOURNAL);
    if (holdsMoreThan(JOURNAL_HEADER_BYTES, journal) && hasMagic(journal)) {
      return Optional.of(journal);
    }
    Path wal = companion(WAL);
    return holdsMoreThan(WAL_HEADER_BYTES, wal) ? Optional.of(wal) : Optional.empty();
  }

  private static boolean holdsMoreThan(int bytes, Path path) throws IOException {
    return Files.isRegularFile(path) && Files.size(path) > bytes;
  }

  /** One that was used up and kept has zeros there. */
  private static boolean hasMagic(Path journal) throws IOException {
    try (InputStream in = Files.newInputStream(journal)) {
      return Arrays.equals(CopyTransaction.MAGIC, in.readNBytes(CopyTransaction.MAGIC.length));
    }
  }

  /**
   * Begins to make the database: what restores to this place have left that were killed is removed,
   * and that the file is being made is known to others. Idempotent.
   */
  void begin() throws IOException {
    synchronized (this) {
      requireOpen();
      staging.claim();
    }
    StagingFile.removeLeftOvers(file);
  }

  private void requireOpen() throws IOException {
    if (state != State.OPEN) {
      throw new IOException("restore to " + file + ": given up");
    }
  }

  /**
   * Gives the finished and synced database its name. Durable when this returns, where a folder can
   * be synced.
   *
   * @throws FileAlreadyExistsException if something came into the way meanwhile
   * @throws IOException if the place was closed, or the old database is not whole without its
   *     journal or WAL; then nothing has changed
   */
  public synchronized void publish() throws IOException {
    requireOpen();
    requireFree();
    if (!Files.isRegularFile(staging())) {
      throw new NoSuchFileException(staging().toString());
    }
    if (existing == Existing.REFUSE) {
      linkOrMove();
    } else {
      replace();
    }
    state = State.PUBLISHED;
    steps.accept(Step.NAMED);
    syncFolderOf(file);
  }

  private void replace() throws IOException {
    Optional<Path> unsettled = unsettled();
    if (unsettled.isPresent()) {
      throw new FileSystemException(
          unsettled.get().toString(), null, "it belongs to the database that is to be replaced");
    }
    for (String suffix : COMPANIONS) {
      if (Files.deleteIfExists(companion(suffix))) {
        steps.accept(Step.COMPANION_DELETED);
      }
    }
    moveOver(staging(), file);
  }

  /** A link fails where a rename would replace a file that came meanwhile. */
  private void linkOrMove() throws IOException {
    try {
      Files.createLink(file, staging());
    } catch (FileAlreadyExistsException | NoSuchFileException | AccessDeniedException e) {
      throw e;
    } catch (FileSystemException | UnsupportedOperationException e) {
      reserveAndMove();
    }
  }

  /**
   * Where there are no links an empty file takes the name, and is replaced as long as it is one.
   */
  void reserveAndMove() throws IOException {
    Files.createFile(file);
    BasicFileAttributes reserved = Files.readAttributes(file, BasicFileAttributes.class);
    steps.accept(Step.RESERVED);
    if (!isStill(reserved)) {
      throw new FileAlreadyExistsException(file.toString());
    }
    try {
      moveOver(staging(), file);
    } catch (IOException e) {
      if (isStill(reserved)) { // an empty file would be taken for a database
        Files.delete(file);
      }
      throw e;
    }
  }

  private boolean isStill(BasicFileAttributes reserved) throws IOException {
    BasicFileAttributes now = Files.readAttributes(file, BasicFileAttributes.class);
    return now.size() == 0 && Objects.equals(now.fileKey(), reserved.fileKey());
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

  /** Removes what was being made; any thread may call, and waits while it gets its name. */
  @Override
  public synchronized void close() throws IOException {
    state = State.CLOSED;
    staging.close();
  }
}
