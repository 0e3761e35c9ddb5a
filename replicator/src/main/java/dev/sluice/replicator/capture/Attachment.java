package dev.sluice.replicator.capture;

import dev.sluice.replicator.spool.Capture;
import dev.sluice.replicator.spool.Image;
import dev.sluice.replicator.spool.Spool;
import dev.sluice.replicator.wal.FrameReader;
import dev.sluice.replicator.wal.WalEnd;
import dev.sluice.replicator.wal.WalHeader;
import dev.sluice.replicator.wal.WalPosition;
import dev.sluice.replicator.wal.WalReader;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;

/**
 * A database whose WAL is held by a reader of ours, from the first one's begin to the last one's
 * end: for as long as that goes on without a gap everything that is committed comes by here.
 *
 * <p>A reader ends only when every frame up to its own mark is in the spool's log. So a generation
 * that is new while one was held follows on the last one. Whatever else is found is a {@link
 * BreakException}: then this is to be closed, and another one repairs what was missed. Confined to
 * one thread at a time.
 */
final class Attachment {
  /** How long somebody else's checkpoint is waited for while writers are kept out. */
  private static final long OTHERS_NANOS = TimeUnit.MILLISECONDS.toNanos(10);

  private final CaptureSettings settings;
  private final Path database;
  private final Path walPath;
  private final Spool spool;
  private final CaptureBuffers buffers;
  private final FileStat identity;
  private final DatabaseFile file;
  private final PrimaryConnections connections;
  private Optional<OpenWal> openWal = Optional.empty();

  /** Whether the reader began when the database had all frames: then it hinders no reset. */
  private boolean isAtRest;

  private long barrierNanos;

  /** Whether frames were taken behind the reader's mark. */
  private boolean isBehind;

  private Checkpoint lastLook = new Checkpoint(false, 0, 0);
  private boolean isLost;

  /** The {@code -wal} file. */
  private record OpenWal(FileChannel channel, WalReader reader) {}

  /** What was captured does not go on without a gap. */
  static final class BreakException extends IOException {
    private static final long serialVersionUID = 1L;

    BreakException(String message) {
      super(message);
    }
  }

  /** What database and WAL were when everything in them was captured. */
  record Quiet(FileStat file, Optional<FileStat> wal) {

    /** Returns whether nobody wrote to either since. */
    boolean isUnwritten(Quiet now) {
      return file.isUnwritten(now.file()) && isSameWal(now.wal());
    }

    /** Returns whether there is a WAL with anything in it. */
    boolean hasWal() {
      return wal.filter(there -> there.size() > 0).isPresent();
    }

    private boolean isSameWal(Optional<FileStat> now) {
      if (wal.isEmpty() || now.isEmpty()) {
        return wal.isEmpty() && now.isEmpty();
      }
      return wal.get().isUnwritten(now.get());
    }
  }

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
    this.buffers = buffers;
    this.identity = identity;
    this.file = file;
    this.connections = PrimaryConnections.open(real);
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

  /** Returns whether nobody wrote to the database or its WAL since. */
  boolean isUnwritten(Quiet since) throws IOException {
    return since.isUnwritten(now());
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
        isAtRest = true;
        return Optional.of(0L);
      }
      frames = goOn();
    }
    if (frames.isEmpty()) {
      repair(isGivenUp);
      settings.steps().reached(CaptureStep.REPAIRED);
    }
    LastInode.write(spool.directory(), identity);
    return frames;
  }

  /**
   * Takes the frames behind the spool's position, if that still stands in the WAL. All that one
   * look has shown, or else nothing is proved: a reset meanwhile would hide the rest.
   */
  private Optional<Long> goOn() throws IOException {
    Optional<WalPosition> position = spool.position();
    WalLook look = look();
    if (position.isEmpty()
        || look.header().isEmpty()
        || look.header().get().pageSize() != spool.pageSize()) {
      return Optional.empty();
    }
    ByteBuffer buffer = buffers.take();
    try {
      int pageSize = spool.pageSize();
      long mxFrame = look.checkpoint().mxFrame();
      WalEnd proof = wal().reader().prove(position.get(), pageSize, mxFrame, buffer);
      if (!(proof instanceof WalEnd.Reached)) {
        return Optional.empty();
      }
      requireRoom(mxFrame - position.get().frame(), pageSize);
      FrameReader frames = wal().reader().frames(position.get(), pageSize, mxFrame, buffer);
      Capture taken = spool.append(frames);
      boolean isAll = taken.end() instanceof WalEnd.Reached && isAt(mxFrame);
      return isAll ? Optional.of(taken.frames()) : Optional.empty();
    } finally {
      buffers.giveBack(buffer);
    }
  }

  private boolean isAt(long frame) {
    return spool.position().filter(position -> position.frame() == frame).isPresent();
  }

  /** Nobody hands over before the difference is written. */
  private void repair(BooleanSupplier isGivenUp) throws IOException {
    ByteBuffer buffer = buffers.take();
    try {
      OpenWal wal = wal();
      Optional<Image> image =
          new PrimaryImage(file, wal.channel(), wal.reader(), buffer, isGivenUp).make(connections);
      if (image.isPresent()) {
        spool.repair(image.get());
      }
    } finally {
      buffers.giveBack(buffer);
    }
  }

  private OpenWal wal() throws IOException {
    if (openWal.isEmpty()) {
      FileChannel channel = FileChannel.open(walPath, StandardOpenOption.READ);
      openWal = Optional.of(new OpenWal(channel, new WalReader(channel, walPath.toString())));
    }
    return openWal.get();
  }

  private WalLook look() throws IOException {
    return WalLook.of(wal().reader(), connections);
  }

  /**
   * Takes what was committed since the last call, and hands over.
   *
   * @return how many frames were taken
   */
  long capture() throws IOException {
    long frames = take();
    isBehind |= frames > 0;
    lastLook = connections.look();
    if (isBehind || (lastLook.isComplete() && !isAtRest)) {
      settings.steps().reached(CaptureStep.TAKEN);
      connections.handOver(); // which may fail, and is tried again
      isBehind = false;
      isAtRest = lastLook.isComplete();
      settings.steps().reached(CaptureStep.HANDED_OVER);
    }
    return frames;
  }

  private long take() throws IOException {
    WalLook look = look();
    if (look.header().isEmpty()) {
      return 0;
    }
    WalHeader header = look.header().get();
    if (spool.pageSize() != 0 && header.pageSize() != spool.pageSize()) {
      throw new BreakException(database + ": the page size has become " + header.pageSize());
    }
    WalPosition from = from(header);
    long mxFrame = look.checkpoint().mxFrame();
    if (from.frame() > mxFrame) {
      throw new BreakException(walPath + ": frames after " + mxFrame + " are gone");
    }
    if (from.frame() == mxFrame) {
      return 0; // and the generation may be gone by now
    }
    requireRoom(mxFrame - from.frame(), header.pageSize());
    return append(from, header.pageSize(), mxFrame);
  }

  private long append(WalPosition from, int pageSize, long mxFrame) throws IOException {
    ByteBuffer buffer = buffers.take();
    try {
      Capture taken = spool.append(wal().reader().frames(from, pageSize, mxFrame, buffer));
      if (!(taken.end() instanceof WalEnd.Reached)) {
        throw new BreakException(walPath + " after " + from + ": " + taken.end());
      }
      return taken.frames();
    } finally {
      buffers.giveBack(buffer);
    }
  }

  private WalPosition from(WalHeader header) {
    return spool
        .position()
        .filter(position -> position.salts().equals(header.salts()))
        .orElse(header.start());
  }

  private void requireRoom(long frames, int pageSize) throws CaptureException {
    long bytes = spool.bytes();
    if (bytes > 0 && bytes + frames * pageSize > settings.spoolBytesMax()) {
      throw new CaptureException.SpoolFull(
          database, spool.directory(), bytes, settings.spoolBytesMax());
    }
  }

  /** Returns whether the WAL had so many pages at the last look, and the database lacks some. */
  boolean isLong(int pages) {
    return !lastLook.isComplete() && lastLook.mxFrame() >= pages;
  }

  /** What a checkpoint came to. */
  enum Checkpointed {
    /** No moment without writers was found. */
    MISSED,
    /** A reader of somebody else's needs the WAL, or somebody else checkpoints it. */
    HINDERED,
    /** The next commit begins the WAL anew. */
    WHOLE
  }

  /**
   * Copies the WAL into the database, and has it begin anew with the next commit, which takes a
   * moment without writers: a reader's mark is else never at its end.
   *
   * @param waitNanos how long to try to find the moment
   */
  Checkpointed checkpoint(long waitNanos) throws IOException {
    Checkpoint first = connections.passive();
    settings.steps().reached(CaptureStep.CHECKPOINTED);
    if (!first.isBusy() && first.backfilled() < lastLook.mxFrame()) {
      return Checkpointed.HINDERED; // not by our reader: keeping writers out would not help
    }
    if (!keepWritersOut(waitNanos)) {
      return Checkpointed.MISSED;
    }
    long begunNanos = settings.nanoTime().getAsLong();
    isLost = true;
    try {
      settings.steps().reached(CaptureStep.BARRIER_BEGUN);
      take();
      isAtRest = passiveWithoutWriters().isComplete();
      settings.steps().reached(CaptureStep.BARRIER_CHECKPOINTED);
      connections.letWritersIn();
      isLost = false;
    } finally {
      if (isLost) {
        connections.close(); // a reader that begins now may not hold what was not taken
      }
      barrierNanos = Math.max(1, settings.nanoTime().getAsLong() - begunNanos);
    }
    settings.steps().reached(CaptureStep.BARRIER_ENDED);
    return isAtRest ? Checkpointed.WHOLE : Checkpointed.HINDERED;
  }

  /** A busy application checkpoints after each of its commits; now there are none to come. */
  private Checkpoint passiveWithoutWriters() throws CaptureException {
    long begunNanos = settings.nanoTime().getAsLong();
    Checkpoint last = connections.passive();
    while (last.isBusy() && settings.nanoTime().getAsLong() - begunNanos < OTHERS_NANOS) {
      Thread.onSpinWait();
      last = connections.passive();
    }
    return last;
  }

  private boolean keepWritersOut(long waitNanos) throws CaptureException {
    long begunNanos = settings.nanoTime().getAsLong();
    while (!connections.keepWritersOut()) {
      if (settings.nanoTime().getAsLong() - begunNanos > waitNanos) {
        return false;
      }
      Thread.onSpinWait();
    }
    return true;
  }

  /** Leaves the WAL as short as can be without keeping anybody out; returns whether it is. */
  boolean rest() throws IOException {
    boolean isComplete = connections.passive().isComplete();
    if (isComplete && !isAtRest) {
      capture();
    }
    return isComplete;
  }

  /** Returns for how long writers were kept out since this was asked last; 0 if they were not. */
  long takeBarrierNanos() {
    long taken = barrierNanos;
    barrierNanos = 0;
    return taken;
  }

  /** Returns whether no reader is held any more. */
  boolean isLost() {
    return isLost;
  }

  /** Returns whether the reader that is held hinders nobody. */
  boolean isAtRest() {
    return isAtRest;
  }

  /** Returns what there is if everything is captured and nobody writes now; empty otherwise. */
  Optional<Quiet> quiet() throws IOException {
    Quiet now = now();
    boolean isSettled =
        now.file().isSettled(settings.clock().instant())
            && (!now.hasWal() || now.wal().orElseThrow().isSettled(settings.clock().instant()));
    return isSettled && (!now.hasWal() || isCaptured()) ? Optional.of(now) : Optional.empty();
  }

  private boolean isCaptured() throws IOException {
    WalLook look = look();
    return look.header().isEmpty()
        || (spool.pageSize() == look.header().get().pageSize()
            && from(look.header().get()).frame() == look.checkpoint().mxFrame());
  }

  /** Returns where the WAL is. */
  Path walPath() {
    return walPath;
  }

  /** Returns whether more is open than what holds the WAL. */
  boolean isWide() {
    return connections.isWide() || (settings.ownsProcess() && file.isOpen());
  }

  /** Closes the WAL file, which is opened again when somebody commits. */
  void closeWal() throws IOException {
    if (openWal.isPresent()) {
      openWal.get().channel().close();
    }
    openWal = Optional.empty();
  }

  /** Lets go of the WAL: what is committed from now on is missed. */
  void close() throws IOException {
    try {
      closeWal();
      connections.close();
    } finally {
      file.close();
    }
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
    isAtRest = before.file().isUnwritten(now.file()) && isSameWal;
    return isAtRest ? Optional.of(now) : Optional.empty();
  }

  /**
   * Returns whether the database was written to by somebody who does not know its WAL: to be asked
   * where a reader at rest keeps everybody from a checkpoint.
   */
  boolean isOverwritten(Quiet since) throws IOException {
    return isAtRest && !since.file().isUnwritten(now().file());
  }
}
