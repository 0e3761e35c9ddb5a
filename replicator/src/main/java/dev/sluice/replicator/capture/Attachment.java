package dev.sluice.replicator.capture;

import dev.sluice.replicator.spool.Spool;
import java.io.IOException;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.Optional;
import java.util.function.BooleanSupplier;

/**
 * A database whose WAL is held by a reader of ours, from the first one's begin to the last one's
 * end: for as long as that goes on without a gap everything that is committed comes by here.
 *
 * <p>A generation that is new while a reader was held follows on the last one. Whatever else is
 * found is a {@link BreakException}: then this is to be closed, and another one repairs what was
 * missed. Confined to one thread at a time.
 */
final class Attachment {
  private final CaptureSettings settings;
  private final Path database;
  private final Path walPath;
  private final Spool spool;
  private final FileStat identity;
  private final DatabaseFile file;
  private final WalHold hold;
  private final WalIntake intake;

  private Attachment(
      CaptureSettings settings,
      Spool spool,
      CaptureBuffers buffers,
      FileStat identity,
      DatabaseFile file)
      throws IOException {
    this.settings = settings;
    this.database = settings.database();
    Path real = database.toRealPath(); // as SQLite does, which has the WAL beside it
    this.walPath = Path.of(real + "-wal");
    this.spool = spool;
    this.identity = identity;
    this.file = file;
    this.hold = WalHold.begin(settings, real);
    this.intake = new WalIntake(settings, walPath, spool, buffers, hold.connections());
  }

  /**
   * Begins the first reader.
   *
   * @throws CaptureException if there is no database, or it cannot be opened
   */
  static Attachment open(CaptureSettings settings, Spool spool, CaptureBuffers buffers)
      throws IOException {
    Path database = settings.database();
    FileStat identity = requireThere(database);
    DatabaseFile file = DatabaseFile.take(database, identity, settings.ownsProcess());
    Attachment attachment;
    try {
      attachment = new Attachment(settings, spool, buffers, identity, file);
    } catch (NoSuchFileException e) {
      file.close();
      throw new CaptureException.Missing(database, "the file is gone");
    } catch (IOException | RuntimeException e) {
      file.close(); // after the connections, which a failure has closed
      throw e;
    }
    try {
      settings.steps().reached(CaptureStep.READER_BEGUN);
      attachment.requireFile();
      return attachment;
    } catch (IOException | RuntimeException | Error e) {
      attachment.close();
      throw e;
    }
  }

  private static FileStat requireThere(Path database) throws IOException {
    FileStat found;
    try {
      found =
          FileStat.of(database)
              .orElseThrow(() -> new CaptureException.Missing(database, "there is no such file"));
    } catch (FileSystemException e) {
      throw new CaptureException.Denied(database, String.valueOf(e.getReason()), e);
    }
    if (!Files.isRegularFile(database)) {
      throw new CaptureException.NotADatabase(database, "it is no file");
    }
    if (found.size() == 0) {
      throw new CaptureException.Missing(database, "the file is empty");
    }
    return found;
  }

  private Quiet now() throws IOException {
    Optional<FileStat> found = FileStat.of(database);
    if (found.isEmpty() || !found.get().isSameFile(identity)) {
      throw new BreakException(database + " is another file by now");
    }
    return new Quiet(found.get(), FileStat.of(walPath));
  }

  /**
   * Makes sure that the file at the path is still the one that is held.
   *
   * @throws BreakException if it is not
   */
  void requireFile() throws IOException {
    now();
  }

  /**
   * Goes on where the spool ends: with what is in the WAL behind it, with nothing if the last stop
   * was clean, else with what differs from the last cut.
   *
   * @param isGivenUp has this fail soon
   * @return how many frames were taken; empty if what was missed was looked for instead
   */
  Optional<Long> takeUp(BooleanSupplier isGivenUp) throws IOException {
    Quiet now = now();
    Optional<Long> frames = Optional.empty();
    if (LastInode.is(spool.directory(), identity)) {
      Optional<CleanStop> stop = CleanStop.read(spool.directory());
      if (!now.hasWal() && stop.isPresent() && stop.get().holds(now.file(), spool)) {
        hold.setAtRest(true);
        return Optional.of(0L);
      }
      frames = intake.goOn();
    }
    if (frames.isEmpty()) {
      intake.repair(file, isGivenUp);
      settings.steps().reached(CaptureStep.REPAIRED);
    }
    LastInode.write(spool.directory(), identity);
    return frames;
  }

  /**
   * Takes up after a gap, if neither database nor WAL were written to meanwhile, and a reader on
   * all of it hindered nobody.
   *
   * @param before the gap
   * @return what there is; empty if something may have been missed
   */
  Optional<Quiet> takeUpAfter(Quiet before) throws IOException {
    Quiet now = now();
    boolean isSameWal = !now.hasWal() || before.isSameWal(now.wal());
    hold.setAtRest(before.file().isUnwritten(now.file()) && isSameWal);
    return hold.isAtRest() ? Optional.of(now) : Optional.empty();
  }

  /**
   * Takes what was committed since the last call, and has the reader go on to there.
   *
   * @return how many frames were taken
   */
  long capture() throws IOException {
    long frames = intake.take();
    hold.goOn(frames > 0);
    return frames;
  }

  /** Returns whether the WAL had so many pages at the last look, and the database lacks some. */
  boolean isLong(int pages) {
    return hold.isLong(pages);
  }

  /**
   * Has the WAL begin anew with the next commit.
   *
   * @param waitNanos how long to try to find a moment without writers
   */
  WalHold.Checkpointed checkpoint(long waitNanos) throws IOException {
    return hold.checkpoint(intake, waitNanos);
  }

  /** Returns for how long writers were kept out since this was asked last; 0 if they were not. */
  long takeBarrierNanos() {
    return hold.takeBarrierNanos();
  }

  /** Copies what is captured into the database, and keeps nobody out. */
  Checkpoint copy() throws CaptureException {
    return hold.copy();
  }

  /** Returns how many frames checkpoints have taken since this was asked last. */
  long takeFrames() {
    return hold.takeFrames();
  }

  /** Leaves the WAL as short as can be without keeping anybody out; returns whether it is. */
  boolean rest() throws IOException {
    boolean isComplete = copy().isComplete();
    if (isComplete && !hold.isAtRest()) {
      capture();
    }
    return isComplete;
  }

  /** Returns whether the reader that is held hinders nobody. */
  boolean isAtRest() {
    return hold.isAtRest();
  }

  /** Returns whether no reader is held any more. */
  boolean isLost() {
    return hold.isLost();
  }

  /** Returns what there is if everything is captured and nobody writes now; empty otherwise. */
  Optional<Quiet> quiet() throws IOException {
    Quiet now = now();
    boolean isSettled =
        now.file().isSettled(settings.clock().instant())
            && (!now.hasWal() || now.wal().orElseThrow().isSettled(settings.clock().instant()));
    return isSettled && (!now.hasWal() || intake.hasAll()) ? Optional.of(now) : Optional.empty();
  }

  /** Returns whether nobody wrote to the database or its WAL since. */
  boolean isUnwritten(Quiet since) throws IOException {
    return since.isUnwritten(now());
  }

  /**
   * Returns whether the database was written to by somebody who does not know its WAL: to be asked
   * where a reader at rest keeps everybody from a checkpoint.
   */
  boolean isOverwritten(Quiet since) throws IOException {
    return hold.isAtRest() && !since.file().isUnwritten(now().file());
  }

  /** Returns where the WAL is. */
  Path walPath() {
    return walPath;
  }

  /** Returns whether more is open than what holds the WAL. */
  boolean isWide() {
    return hold.isWide() || (settings.ownsProcess() && file.isOpen());
  }

  /** Closes the WAL file, which is opened again when somebody commits. */
  void closeWal() throws IOException {
    intake.close();
  }

  /** Lets go of the WAL: what is committed from now on is missed. */
  void close() throws IOException {
    try {
      intake.close();
    } finally {
      hold.close();
      file.close(); // only then: it drops the locks of this process
    }
  }
}
