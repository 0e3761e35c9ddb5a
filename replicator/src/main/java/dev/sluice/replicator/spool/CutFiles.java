package dev.sluice.replicator.spool;

import dev.sluice.ltx.LtxHeader;
import dev.sluice.ltx.Txid;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.ConcurrentSkipListMap;

/**
 * The files that were cut and are not safe elsewhere, and behind them those that are, for as long
 * as the page checksums need them. Thread-safe.
 */
final class CutFiles {
  private static final int KEPT_MAX = 32;
  private static final long KEPT_BYTES_MAX = 16 << 20;

  private final SpoolFolder folder;
  private final PageChecksums checksums;
  private final SpoolStep.Listener steps;
  private final ConcurrentSkipListMap<Txid, SpooledFile> files = new ConcurrentSkipListMap<>();
  private final ConcurrentSkipListMap<Txid, Long> keptBytes = new ConcurrentSkipListMap<>();

  /** Takes what is in the folder, and deletes what is beyond {@code last}. */
  CutFiles(SpoolFolder folder, Txid last, PageChecksums checksums, SpoolStep.Listener steps)
      throws IOException {
    this.folder = folder;
    this.checksums = checksums;
    this.steps = steps;
    for (Txid txid : folder.cutTxids()) {
      if (txid.isAfter(last)) {
        Files.deleteIfExists(folder.cut(txid));
      } else {
        describe(txid).ifPresent(file -> files.put(txid, file));
      }
    }
    for (Txid txid : folder.keptCuts()) {
      keptBytes.put(txid, Files.size(folder.kept(txid)));
    }
    for (Txid txid : folder.imageMarks()) {
      if (!files.containsKey(txid)) {
        Files.deleteIfExists(folder.imageMark(txid));
      }
    }
  }

  private Optional<SpooledFile> describe(Txid txid) throws IOException {
    Path path = folder.cut(txid);
    byte[] head = new byte[LtxHeader.BYTES];
    try (InputStream in = Files.newInputStream(path)) {
      in.readNBytes(head, 0, head.length);
    }
    int pageSize = LtxHeader.parse(ByteBuffer.wrap(head), path.toString()).pageSize();
    boolean isImage = txid.equals(Txid.FIRST) || Files.exists(folder.imageMark(txid));
    return Optional.of(new SpooledFile(txid, path, Files.size(path), pageSize, isImage));
  }

  /** Takes a file that counts by now. */
  void add(SpooledFile file) {
    files.put(file.txid(), file);
  }

  /** Returns the files that are not safe elsewhere, ascending. */
  List<SpooledFile> all() {
    return List.copyOf(files.values());
  }

  /** Returns those behind a TXID, ascending. */
  List<SpooledFile> after(Txid txid) {
    return List.copyOf(files.tailMap(txid, false).values());
  }

  /** Returns the bytes of all files. */
  long bytes() {
    long bytes = 0;
    for (SpooledFile file : files.values()) {
      bytes += file.bytes();
    }
    return bytes;
  }

  /** Is done with a file; not to be called twice at a time. */
  synchronized void delete(Txid txid) throws IOException {
    Optional<SpooledFile> file = Optional.ofNullable(files.get(txid));
    if (file.isEmpty()) {
      return;
    }
    files.remove(txid); // one that cannot be deleted is found when the spool is opened
    if (checksums.isDoneWith(txid)) {
      Files.deleteIfExists(file.get().path());
    } else {
      Files.move(file.get().path(), folder.kept(txid), StandardCopyOption.ATOMIC_MOVE);
      keptBytes.put(txid, file.get().bytes());
      steps.reached(SpoolStep.CUT_KEPT);
    }
    if (file.get().isImage()) {
      Files.deleteIfExists(folder.imageMark(txid));
    }
    if (keptBytes.size() > KEPT_MAX || sum(keptBytes.values()) > KEPT_BYTES_MAX) {
      dropKept();
    }
  }

  private static long sum(Iterable<Long> values) {
    long sum = 0;
    for (long value : values) {
      sum += value;
    }
    return sum;
  }

  /** Deletes what was kept, once the page checksums can do without. */
  synchronized void dropKept() throws IOException {
    checksums.flush();
    for (Txid txid : List.copyOf(keptBytes.keySet())) {
      if (checksums.isDoneWith(txid)) {
        Files.deleteIfExists(folder.kept(txid));
        keptBytes.remove(txid);
        steps.reached(SpoolStep.CUT_DELETED);
      }
    }
  }
}
