package dev.sluice.replicator.spool;

import dev.sluice.ltx.LtxEncoder;
import dev.sluice.ltx.LtxHeader;
import dev.sluice.ltx.Txid;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.Optional;

/**
 * Makes cuts last, one after another: the file, then the record that it counts, then the log goes.
 *
 * <p>The record is the moment. A file beyond it is none yet: it was shown to nobody, and goes when
 * the spool is opened; the log still holds what it holds. A log file that the record names is done
 * with, even if it is still there. So a crash between any two steps leaves either the state before
 * or the one after, and a TXID is given again only where nobody saw it.
 *
 * <p>One cut at a time, on any thread; {@link #last} may be asked on others meanwhile.
 */
final class CutWriter {
  private static final int UNFLUSHED_FILES_MAX = 64;
  private static final long UNFLUSHED_BYTES_MAX = 64 << 20;

  private final SpoolFolder folder;
  private final RecordFile record;
  private final SpoolSetup setup;
  private final PageChecksums checksums;
  private final CutFiles files;
  private int unflushedFiles;
  private long unflushedBytes;
  private volatile CutRecord last;
  private volatile boolean isUnknown;

  CutWriter(
      SpoolFolder folder,
      CutRecord last,
      SpoolSetup setup,
      PageChecksums checksums,
      CutFiles files) {
    this.folder = folder;
    this.record = folder.record();
    this.last = last;
    this.setup = setup;
    this.checksums = checksums;
    this.files = files;
  }

  CutRecord last() {
    return last;
  }

  /** Throws if a record was written that may or may not be on disk. */
  void requireKnown() throws SpoolException {
    if (isUnknown) {
      throw new SpoolException.Unknown(folder.directory());
    }
  }

  CutRecord write(CutContent content) throws IOException {
    requireKnown();
    LtxHeader header = content.header(last.txid().next(), timestampMillis());
    CutRecord next;
    try (StagedChecksums staged = checksums.stage()) {
      Optional<SpooledFile> file = writeFile(content, header, staged);
      next = file.isPresent() ? content.record(last, header) : content.record(last);
      write(next);
      if (file.isPresent()) {
        take(file.get(), next, staged);
      }
    }
    for (LogFile log : content.logs()) {
      delete(log);
    }
    return next;
  }

  private void write(CutRecord next) throws IOException {
    try {
      record.write(next, setup.steps());
    } catch (IOException | RuntimeException | Error e) {
      isUnknown = true;
      throw e;
    }
    last = next;
    setup.steps().reached(SpoolStep.RECORD_FSYNCED);
  }

  /** Takes note of a cut that counts by now: it cannot be taken back. */
  private void take(SpooledFile file, CutRecord record, StagedChecksums staged) {
    try {
      files.add(file);
      checksums.apply(record, staged);
      flushNowAndThen(file);
    } catch (RuntimeException | Error e) {
      isUnknown = true;
      throw e;
    }
  }

  /** So that opening has not more to take in again than that. */
  private void flushNowAndThen(SpooledFile file) {
    unflushedFiles++;
    unflushedBytes += file.bytes();
    if (unflushedFiles >= UNFLUSHED_FILES_MAX || unflushedBytes >= UNFLUSHED_BYTES_MAX) {
      checksums.flush();
      unflushedFiles = 0;
      unflushedBytes = 0;
    }
  }

  private long timestampMillis() {
    return Math.max(setup.clock().millis(), last.timestampMillis() + 1);
  }

  /** Returns the file; none if it would not change anything. */
  private Optional<SpooledFile> writeFile(
      CutContent content, LtxHeader header, StagedChecksums staged) throws IOException {
    Txid txid = header.range().max();
    Path temporary = folder.temporary(txid);
    CutPages pages = new CutPages(content, last, staged);
    try {
      if (!write(temporary, header, pages)) {
        deleteQuietly(temporary);
        return Optional.empty();
      }
    } catch (IOException e) {
      deleteQuietly(temporary); // a full disk needs the room
      throw e;
    }
    boolean isImage = pages.isImage() || txid.equals(Txid.FIRST);
    if (isImage) {
      markImage(txid);
    }
    Files.move(
        temporary,
        folder.cut(txid),
        StandardCopyOption.ATOMIC_MOVE,
        StandardCopyOption.REPLACE_EXISTING);
    setup.steps().reached(SpoolStep.CUT_RENAMED);
    SpoolFolder.fsync(folder.cuts());
    setup.steps().reached(SpoolStep.FOLDER_FSYNCED);
    Path path = folder.cut(txid);
    return Optional.of(new SpooledFile(txid, path, Files.size(path), header.pageSize(), isImage));
  }

  /** Returns false, with a file that is of no use, if it would not change anything. */
  private boolean write(Path temporary, LtxHeader header, CutPages pages) throws IOException {
    try (SpoolOutput out = SpoolOutput.create(temporary);
        PageChecksums.Entries before = checksums.entries(header.pageSize());
        LtxEncoder encoder = new LtxEncoder(out, header)) {
      setup.steps().reached(SpoolStep.CUT_CREATED);
      pages.writeTo(encoder, before);
      if (pages.isNothing()) {
        return false;
      }
      encoder.finish();
      setup.steps().reached(SpoolStep.CUT_WRITTEN);
      out.sync();
      setup.steps().reached(SpoolStep.CUT_FSYNCED);
      return true;
    }
  }

  @SuppressWarnings("EmptyCatch")
  private static void deleteQuietly(Path temporary) {
    try {
      if (Files.isRegularFile(temporary)) {
        Files.delete(temporary);
      }
    } catch (IOException e) {
      // It goes when the spool is opened.
    }
  }

  /** A mark without its cut says nothing, and goes when the spool is opened. */
  private void markImage(Txid txid) throws IOException {
    Path mark = folder.imageMark(txid);
    try {
      Files.write(mark, new byte[0]);
      SpoolFolder.fsync(folder.directory());
    } catch (IOException e) {
      throw new SpoolException.Unwritable("write " + mark + ": " + e, e);
    }
    setup.steps().reached(SpoolStep.IMAGE_MARKED);
  }

  /** A file that cannot be deleted is done with all the same: it goes at the next opening. */
  @SuppressWarnings("EmptyCatch")
  private void delete(LogFile log) {
    try {
      log.close();
      Files.deleteIfExists(log.path());
    } catch (IOException e) {
      // The record says that it is done with.
    }
    setup.steps().reached(SpoolStep.LOG_DELETED);
  }
}
