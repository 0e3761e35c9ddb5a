package dev.sluice.replicator.spool;

import dev.sluice.ltx.Txid;
import dev.sluice.replicator.wal.FrameReader;
import dev.sluice.replicator.wal.FrameRun;
import dev.sluice.replicator.wal.WalPosition;
import java.io.Closeable;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * What is captured of one database and not yet safe elsewhere: a log of frames, and the level-0 LTX
 * files that were cut from it.
 *
 * <p>Frames go into the log as they stood in the WAL, so that it proves itself after a crash
 * without having been fsynced. A <em>cut</em> merges what is in the log into one file with the next
 * TXID; only that is fsynced. How far the database is captured, and which TXID was the last, is
 * what the directory says, never what a process remembers.
 *
 * <p>Not for deciding anything: how far to read, when to cut, whether a new generation follows
 * without a gap, what to do at the end of the disk, is the caller's. Two spools on one directory
 * destroy each other. A thread that is interrupted in here may cost an opening anew. Confined to
 * one thread at a time, but for {@link #lastCut}, {@link #files} and {@link #delete}, which are
 * thread-safe, and for {@link Cut#write}. A spool with an empty log has one descriptor open, for
 * its lock.
 */
public final class Spool implements Closeable {
  private final SpoolFolder folder;
  private final SpoolLock lock;
  private final PageChecksums checksums;
  private final CutFiles files;
  private final CutWriter writer;
  private final LogAppender appender;
  private final List<String> notes;
  private Log log;
  private Optional<WalPosition> position;
  private int pageSize;
  private long commit;
  private Optional<Cut> pending = Optional.empty();
  private boolean isClosed;

  private Spool(SpoolFolder folder, SpoolLock lock, CutRecord record, SpoolSetup setup)
      throws IOException {
    LogRecovery recovery = new LogRecovery(folder, record);
    this.folder = folder;
    this.lock = lock;
    this.checksums = PageChecksums.open(folder, record, setup.steps());
    this.files = new CutFiles(folder, record.txid(), checksums, setup.steps());
    this.writer = new CutWriter(folder, record, setup, checksums, files);
    this.log = recovery.recover();
    this.position = recovery.end();
    this.appender = new LogAppender(folder, setup.steps(), recovery.lastNumber());
    this.pageSize = log.isEmpty() ? record.pageSize() : log.pageSize();
    this.commit = log.last().map(Log.Commit::pages).orElse(record.commit());
    this.notes = List.copyOf(recovery.notes());
  }

  /**
   * Opens the spool that a process left: finds the end of the log by verification, and removes what
   * is cut already and what was not cut to the end.
   *
   * @throws SpoolException.NoRecord if the directory is no spool
   * @throws SpoolException.Damaged if its record is unreadable
   * @throws SpoolException.InUse if somebody has it open
   */
  public static Spool open(Path directory, SpoolSetup setup) throws IOException {
    SpoolFolder folder = new SpoolFolder(directory);
    if (folder.record().read().isEmpty()) {
      throw new SpoolException.NoRecord(directory); // and make no file in it
    }
    return locked(folder, lock -> open(folder, lock, setup));
  }

  private static Spool open(SpoolFolder folder, SpoolLock lock, SpoolSetup setup)
      throws IOException {
    CutRecord record =
        folder.record().read().orElseThrow(() -> new SpoolException.NoRecord(folder.directory()));
    folder.create();
    folder.deleteTemporaries();
    Spool spool = new Spool(folder, lock, record, setup);
    spool.files.dropKept();
    return spool;
  }

  /** Makes a spool of a folder that nobody else has. */
  @FunctionalInterface
  private interface Opening {
    Spool with(SpoolLock lock) throws IOException;
  }

  private static Spool locked(SpoolFolder folder, Opening opening) throws IOException {
    SpoolLock lock = SpoolLock.take(folder);
    try {
      return opening.with(lock);
    } catch (IOException | RuntimeException | Error e) {
      lock.close();
      throw e;
    }
  }

  /**
   * Makes the directory a spool with nothing in it, whatever of a spool it has.
   *
   * @param last the TXID before the first cut
   * @param lastTimestampMillis what the first cut's timestamp is later than, milliseconds since the
   *     Unix epoch
   * @throws SpoolException.InUse if somebody has it open
   */
  public static Spool begin(Path directory, Txid last, long lastTimestampMillis, SpoolSetup setup)
      throws IOException {
    SpoolFolder folder = new SpoolFolder(directory);
    folder.create();
    CutRecord none = CutRecord.none(last, lastTimestampMillis);
    return locked(folder, lock -> begin(folder, lock, none, setup));
  }

  private static Spool begin(SpoolFolder folder, SpoolLock lock, CutRecord none, SpoolSetup setup)
      throws IOException {
    folder.record().delete();
    SpoolFolder.fsync(folder.directory());
    setup.steps().reached(SpoolStep.RECORD_DELETED);
    for (Path file : folder.all()) {
      Files.deleteIfExists(file);
    }
    folder.deleteTemporaries();
    SpoolFolder.fsync(folder.cuts());
    SpoolFolder.fsync(folder.directory());
    setup.steps().reached(SpoolStep.EMPTIED);
    folder.record().write(none, setup.steps());
    SpoolFolder.fsync(folder.directory());
    setup.steps().reached(SpoolStep.RECORD_FSYNCED);
    return new Spool(folder, lock, none, setup);
  }

  /** Returns where the spool is. */
  public Path directory() {
    return folder.directory();
  }

  /** Returns a line for each thing that opening threw away, but for what every crash leaves. */
  public List<String> notes() {
    return notes;
  }

  /** Returns the record of the last cut that was made. */
  public CutRecord lastCut() {
    return writer.last();
  }

  /**
   * Returns the end of the last commit that the log holds, else of the last cut; empty if the
   * database had no WAL then.
   */
  public Optional<WalPosition> position() {
    return position;
  }

  /** Returns the page size at {@link #position}; 0 if nothing was captured yet. */
  public int pageSize() {
    return pageSize;
  }

  /** Returns the size of the database in pages at {@link #position}. */
  public long commit() {
    return commit;
  }

  /** Returns how many pages a cut would hold now. */
  public int logPages() {
    return log.pages().count();
  }

  /** Returns the bytes of all log files that no cut was decided for. */
  public long logBytes() {
    return log.bytes();
  }

  /** Returns the bytes of all log files: also of those for which a cut was decided. */
  public long uncutBytes() {
    return log.bytes() + pendingCut().map(Cut::logBytes).orElse(0L);
  }

  /** Returns the bytes of everything that is in the spool: log files and cut files. */
  public long bytes() {
    return uncutBytes() + files.bytes();
  }

  /**
   * Takes frames into the log, up to the last commit among them. After a failure the log ends at a
   * commit as well: {@link #position} says which.
   *
   * @param frames begin at {@link #position}, or a generation that followed it without a gap
   * @throws IOException from the WAL or the log; a full disk among them
   */
  public Capture append(FrameReader frames) throws IOException {
    requireUsable();
    FrameRun run = frames.run();
    if (run.from().frame() > 0 && !position.equals(Optional.of(run.from()))) {
      throw new IllegalArgumentException("frames after " + run.from() + ", not " + position);
    }
    if (pageSize != 0 && pageSize != run.pageSize()) {
      throw new IllegalArgumentException("pages of " + run.pageSize() + " bytes, not " + pageSize);
    }
    int before = log.frameCount();
    try {
      appender.append(log, position, frames);
    } finally {
      log.last().ifPresent(this::takePosition);
    }
    return new Capture(log.frameCount() - before, frames.end());
  }

  private void takePosition(Log.Commit last) {
    position = Optional.of(last.end());
    commit = last.pages();
    pageSize = log.pageSize();
  }

  /**
   * Decides that what is in the log is the next cut; frames that come later go into another log.
   * Costs no I/O. Empty if there is nothing in the log.
   *
   * @throws IllegalStateException if there is a {@link #pendingCut}
   */
  public Optional<Cut> seal() throws IOException {
    requireUsable();
    if (pendingCut().isPresent()) {
      throw new IllegalStateException("the cut before is not written");
    }
    if (log.isEmpty()) {
      return Optional.empty();
    }
    appender.endFile(); // before the content is taken: it may fail, and then the log is as it was
    return Optional.of(pend(CutContent.of(log, appender.lastNumber())));
  }

  /**
   * Cuts a state that does not follow on what was captured, instead of what is in the log and of a
   * {@link #pendingCut}: as the pages that differ from the last cut, or all of them where those are
   * not known. If none differs no TXID is taken, and only the position is new. Waits for a cut that
   * is being written.
   *
   * @return the record, which is on disk
   * @throws SpoolException.Unwritable if the spool's disk does not take it; nothing has changed
   * @throws IOException from the pages, unchanged; nothing has changed
   */
  public CutRecord repair(Image image) throws IOException {
    requireUsable();
    List<LogFile> logs = new ArrayList<>();
    Optional<Cut> held = pendingCut();
    if (held.isPresent()) {
      logs.addAll(held.get().hold());
    }
    try {
      logs.addAll(log.files());
      appender.endFile();
      CutRecord record = writer.write(CutContent.of(image, logs, appender.lastNumber()));
      held.ifPresent(Cut::replaced);
      log = new Log();
      position = image.position();
      pageSize = image.pageSize();
      commit = image.commit();
      return record;
    } finally {
      held.ifPresent(Cut::letGo);
    }
  }

  private Cut pend(CutContent content) throws IOException {
    appender.endFile();
    log = new Log();
    Cut cut = new Cut(writer, content);
    pending = Optional.of(cut);
    return cut;
  }

  /** Returns the cut that was decided and is not written yet. */
  public Optional<Cut> pendingCut() {
    pending = pending.filter(cut -> !cut.isOver());
    return pending;
  }

  /** Returns the files that were cut and not deleted, ascending. */
  public List<SpooledFile> files() {
    return files.all();
  }

  /** Returns those of {@link #files} behind a TXID, ascending; thread-safe as well. */
  public List<SpooledFile> filesAfter(Txid txid) {
    return files.after(txid);
  }

  /** Returns where the file of a cut is. */
  public Path path(Txid txid) {
    return folder.cut(txid);
  }

  /** Deletes the file of a cut that is safe elsewhere. */
  public void delete(Txid txid) throws IOException {
    if (txid.isAfter(lastCut().txid())) {
      throw new IllegalArgumentException("delete " + txid + ": the last cut is " + lastCut());
    }
    files.delete(txid);
  }

  private void requireUsable() throws SpoolException {
    writer.requireKnown();
    if (!appender.isSound()) {
      throw new SpoolException.Unknown(folder.directory());
    }
  }

  /** Lets go of the spool; what is in the log stays. */
  @Override
  public void close() throws IOException {
    try (lock) {
      appender.endFile();
      if (!isClosed) {
        files.dropKept();
      }
      isClosed = true;
    }
  }

  /** Lets go of the spool as the end of a process does. */
  void abandon() throws IOException {
    isClosed = true;
    lock.close();
  }
}
