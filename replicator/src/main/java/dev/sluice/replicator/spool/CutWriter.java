package dev.sluice.replicator.spool;

import dev.sluice.ltx.LtxEncoder;
import dev.sluice.ltx.LtxHeader;
import java.io.BufferedOutputStream;
import java.io.FileOutputStream;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;

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
  private static final int WRITE_BYTES = 256 << 10;

  private final SpoolFolder folder;
  private final RecordFile record;
  private final SpoolSetup setup;
  private volatile CutRecord last;
  private volatile boolean isUnknown;

  CutWriter(SpoolFolder folder, CutRecord last, SpoolSetup setup) {
    this.folder = folder;
    this.record = folder.record();
    this.last = last;
    this.setup = setup;
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
    try {
      writeFile(header, content.image().pages());
    } catch (IOException e) {
      throw new IOException("cut " + folder.cut(header.range().max()) + ": " + e, e);
    }
    CutRecord next = content.record(last, header);
    try {
      record.write(next, setup.steps());
    } catch (IOException | RuntimeException | Error e) {
      isUnknown = true;
      throw e;
    }
    last = next;
    setup.steps().reached(SpoolStep.RECORD_FSYNCED);
    for (LogFile log : content.logs()) {
      delete(log);
    }
    return next;
  }

  private long timestampMillis() {
    return Math.max(setup.clock().millis(), last.timestampMillis() + 1);
  }

  private void writeFile(LtxHeader header, PageSource pages) throws IOException {
    Path temporary = folder.temporary(header.range().max());
    try (FileOutputStream out = new FileOutputStream(temporary.toFile());
        LtxEncoder encoder = new LtxEncoder(new BufferedOutputStream(out, WRITE_BYTES), header)) {
      setup.steps().reached(SpoolStep.CUT_CREATED);
      pages.writeTo(encoder);
      encoder.finish();
      setup.steps().reached(SpoolStep.CUT_WRITTEN);
      out.getFD().sync();
      setup.steps().reached(SpoolStep.CUT_FSYNCED);
    }
    Files.move(
        temporary,
        folder.cut(header.range().max()),
        StandardCopyOption.ATOMIC_MOVE,
        StandardCopyOption.REPLACE_EXISTING);
    setup.steps().reached(SpoolStep.CUT_RENAMED);
    SpoolFolder.fsync(folder.cuts());
    setup.steps().reached(SpoolStep.FOLDER_FSYNCED);
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
