package dev.sluice.replicator.spool;

import dev.sluice.ltx.LtxHeader;
import dev.sluice.ltx.Txid;
import dev.sluice.ltx.TxidRange;
import dev.sluice.replicator.wal.WalFrame;
import dev.sluice.replicator.wal.WalPosition;
import dev.sluice.replicator.wal.WalSalts;
import java.util.List;
import java.util.Optional;

/**
 * What goes into one cut. Immutable.
 *
 * @param start the place in the last generation from which the cut holds its frames; in that of
 *     {@code image.position()}
 * @param logs the files that are done with after it
 * @param lastLog the greatest number of a log file that is done with
 * @param isWhole whether the image has all pages, and not those of the log only
 */
record CutContent(
    Image image, Optional<WalPosition> start, List<LogFile> logs, long lastLog, boolean isWhole) {

  CutContent {
    logs = List.copyOf(logs);
  }

  /** Returns what a log that takes no more frames holds. */
  static CutContent of(Log log, long lastLog) {
    Log.Commit last = log.last().orElseThrow();
    Image image =
        new Image(log.pageSize(), last.pages(), Optional.of(last.end()), new LogPages(log));
    return new CutContent(image, log.generationStart(), log.files(), lastLog, false);
  }

  /** Returns an image that takes the place of logs. */
  static CutContent of(Image image, List<LogFile> logs, long lastLog) {
    Optional<WalPosition> start = image.position().map(end -> new WalPosition(end.salts(), 0, 0));
    return new CutContent(image, start, logs, lastLog, true);
  }

  /**
   * Returns the file's header. WAL offset and size are those of the last generation: a cut that
   * began in an earlier one has them from its first frame on.
   */
  LtxHeader header(Txid txid, long timestampMillis) {
    TxidRange range = new TxidRange(txid, txid);
    if (image.position().isEmpty() || start.isEmpty()) {
      return LtxHeader.of(image.pageSize(), image.commit(), range, timestampMillis);
    }
    WalSalts salts = image.position().get().salts();
    long first = start.get().frame();
    long frames = image.position().get().frame() - first;
    return new LtxHeader(
        LtxHeader.FLAG_NO_CHECKSUM,
        image.pageSize(),
        image.commit(),
        range,
        timestampMillis,
        0,
        WalFrame.offset(first + 1, image.pageSize()),
        frames * WalFrame.bytes(image.pageSize()),
        salts.salt1(),
        salts.salt2(),
        0);
  }

  /** Returns the record of this cut, after the one before. */
  CutRecord record(CutRecord before, LtxHeader header) {
    return record(before, header.range().max(), header.timestampMillis());
  }

  /** Returns the record of a state that is that of the cut before. */
  CutRecord record(CutRecord before) {
    return record(before, before.txid(), before.timestampMillis());
  }

  private CutRecord record(CutRecord before, Txid txid, long timestampMillis) {
    return new CutRecord(
        before.count() + 1,
        txid,
        timestampMillis,
        image.pageSize(),
        image.commit(),
        lastLog,
        image.position());
  }
}
