package dev.sluice.replicator.spool;

import dev.sluice.ltx.Checksums;
import dev.sluice.ltx.LtxDecoder;
import dev.sluice.ltx.LtxHeader;
import dev.sluice.ltx.Txid;
import java.io.BufferedInputStream;
import java.io.Closeable;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Comparator;
import java.util.Optional;
import java.util.stream.Stream;

/**
 * What each page was in the last cut, as a checksum: so that a state of the database that does not
 * follow on the log can be told by the pages that differ.
 *
 * <pre>
 *    0        512      1024
 *   +--------+--------+------------+------------+--
 *   | header | header | page 1, 8 B| page 2, 8 B| ...    0 = unknown
 *   +--------+--------+------------+------------+--
 *     written in turn: the valid one with the greater count is the last
 * </pre>
 *
 * <p>The file is written after the cut's record, in place and without fsync: what a crash leaves of
 * that is made whole from the cut files after the header's base, which are kept until it is on
 * disk. Where that cannot be done everything is unknown, and the next repair is an image. So an
 * entry that is not 0 is that of the last cut.
 *
 * <p>Thread-safe, by a lock that is held during I/O: who deletes cut files waits for who cuts.
 */
final class PageChecksums {
  static final int AT_ENTRIES = 1024;

  private static final int SLOT_BYTES = 512;
  private static final int WINDOW_ENTRIES = 8192;
  private static final int READ_BYTES = 256 << 10;

  private final SpoolFolder folder;
  private final Path path;
  private final SpoolStep.Listener steps;
  private Optional<ChecksumsHeader> header = Optional.empty();

  private PageChecksums(SpoolFolder folder, SpoolStep.Listener steps) {
    this.folder = folder;
    this.path = folder.checksums();
    this.steps = steps;
  }

  /** Opens what a process left, and makes it that of {@code record}. */
  static PageChecksums open(SpoolFolder folder, CutRecord record, SpoolStep.Listener steps)
      throws IOException {
    PageChecksums checksums = new PageChecksums(folder, steps);
    checksums.recover(record);
    return checksums;
  }

  private synchronized void recover(CutRecord record) throws IOException {
    Files.deleteIfExists(folder.checksumsOverflow());
    Optional<ChecksumsHeader> found = readHeader();
    if (found.isEmpty() || found.get().applied().isAfter(record.txid())) {
      forget();
      return;
    }
    header = found;
    for (Txid txid = found.get().base();
        header.isPresent() && record.txid().isAfter(txid);
        txid = txid.next()) {
      redo(txid.next());
    }
  }

  private Optional<ChecksumsHeader> readHeader() throws IOException {
    byte[] bytes = new byte[AT_ENTRIES];
    try (RandomAccessFile in = new RandomAccessFile(path.toFile(), "r")) {
      in.readFully(bytes, 0, (int) Math.min(in.length(), AT_ENTRIES));
    } catch (java.io.FileNotFoundException e) {
      return Optional.empty();
    }
    return Stream.of(0, SLOT_BYTES)
        .map(at -> Arrays.copyOfRange(bytes, at, at + ChecksumsHeader.BYTES))
        .flatMap(slot -> ChecksumsHeader.parse(slot).stream())
        .max(Comparator.comparingLong(ChecksumsHeader::count));
  }

  /** Takes a cut in again, from its file; forgets everything where that cannot be read. */
  private void redo(Txid txid) throws IOException {
    Optional<Path> file =
        Stream.of(folder.cut(txid), folder.kept(txid)).filter(Files::exists).findFirst();
    if (file.isEmpty()) {
      forget();
      return;
    }
    try (LtxDecoder cut =
        new LtxDecoder(
            new BufferedInputStream(Files.newInputStream(file.get()), READ_BYTES),
            file.get().toString())) {
      LtxHeader of = cut.header();
      write(
          txid,
          of.pageSize(),
          of.commit(),
          taker -> {
            while (cut.next()) {
              taker.take(cut.pgno(), Checksums.page(cut.pgno(), cut.page()));
            }
            cut.finish();
          });
    } catch (dev.sluice.ltx.LtxFormatException | NoSuchFileException e) {
      forget();
    }
  }

  /** Gives checksums one after another. */
  @FunctionalInterface
  private interface Giver {
    void giveTo(StagedChecksums.Taker taker) throws IOException;
  }

  /** Returns room for the checksums of the next cut. */
  StagedChecksums stage() {
    return new StagedChecksums(folder.checksumsOverflow());
  }

  /**
   * Takes in a cut that counts by now. Where that fails everything is unknown from now on.
   *
   * @param staged of the cut's pages
   */
  synchronized void apply(CutRecord record, StagedChecksums staged) {
    try {
      write(record.txid(), record.pageSize(), record.commit(), staged::forEach);
    } catch (IOException e) {
      forgetQuietly();
    }
  }

  private void write(Txid txid, int pageSize, long commit, Giver giver) throws IOException {
    ChecksumsHeader before =
        header.orElseGet(() -> new ChecksumsHeader(0, pageSize, txid.previous(), txid));
    try (RandomAccessFile file = new RandomAccessFile(path.toFile(), "rw")) {
      if (header.isEmpty()) {
        file.setLength(0);
      } else if (before.pageSize() != pageSize) {
        file.setLength(AT_ENTRIES);
      }
      header = Optional.of(writeHeader(file, before.applying(pageSize, txid)));
      steps.reached(SpoolStep.CHECKSUMS_BEGUN);
      long end = AT_ENTRIES + commit * Long.BYTES;
      if (file.length() > end) {
        file.setLength(end);
      }
      try (Window window = new Window(file)) {
        giver.giveTo(window::put);
      }
    }
    steps.reached(SpoolStep.CHECKSUMS_WRITTEN);
  }

  private static ChecksumsHeader writeHeader(RandomAccessFile file, ChecksumsHeader next)
      throws IOException {
    file.seek(next.count() % 2 * SLOT_BYTES);
    file.write(next.toBytes());
    return next;
  }

  /** Entries of neighbouring pages, written together. */
  private static final class Window implements Closeable {
    private final RandomAccessFile file;
    private final ByteBuffer entries =
        ByteBuffer.allocate(WINDOW_ENTRIES * Long.BYTES).order(ByteOrder.BIG_ENDIAN);
    private long first = 1;

    Window(RandomAccessFile file) {
      this.file = file;
    }

    void put(long pgno, long checksum) throws IOException {
      if (pgno != first + entries.position() / Long.BYTES || !entries.hasRemaining()) {
        close();
        first = pgno;
      }
      entries.putLong(checksum);
    }

    @Override
    public void close() throws IOException {
      if (entries.position() > 0) {
        file.seek(AT_ENTRIES + (first - 1) * Long.BYTES);
        file.write(entries.array(), 0, entries.position());
        entries.clear();
      }
    }
  }

  /** Returns whether the file of a cut is not needed any more to make this whole. */
  synchronized boolean isDoneWith(Txid txid) {
    return header.isEmpty() || !txid.isAfter(header.get().base());
  }

  /** Makes what is there last; the cut files up to now are not needed any more then. */
  synchronized void flush() {
    if (header.isEmpty() || header.get().base().equals(header.get().applied())) {
      return;
    }
    try (RandomAccessFile file = new RandomAccessFile(path.toFile(), "rw")) {
      file.getChannel().force(false);
      ChecksumsHeader next = writeHeader(file, header.get().onDisk());
      steps.reached(SpoolStep.CHECKSUMS_BASE_WRITTEN);
      file.getChannel().force(false);
      header = Optional.of(next);
    } catch (IOException e) {
      forgetQuietly();
    }
    steps.reached(SpoolStep.CHECKSUMS_FSYNCED);
  }

  /**
   * Returns what gives the checksums of the last cut, to be asked in ascending order of pages; of
   * another page size all are unknown. The caller closes it.
   */
  synchronized Entries entries(int pageSize) throws IOException {
    if (header.isEmpty() || header.get().pageSize() != pageSize) {
      return new Entries(Optional.empty());
    }
    return new Entries(Optional.of(new RandomAccessFile(path.toFile(), "r")));
  }

  /** Reads entries in the order of pages. Confined to one thread at a time. */
  static final class Entries implements Closeable {
    private final Optional<RandomAccessFile> file;
    private final ByteBuffer window =
        ByteBuffer.allocate(WINDOW_ENTRIES * Long.BYTES).order(ByteOrder.BIG_ENDIAN);
    private long first = 1;
    private int count;

    private Entries(Optional<RandomAccessFile> file) {
      this.file = file;
    }

    /** Returns the checksum; 0 if it is unknown. */
    long of(long pgno) throws IOException {
      if (file.isEmpty()) {
        return 0;
      }
      if (pgno >= first + count) {
        read(pgno);
      }
      return pgno < first + count ? window.getLong((int) (pgno - first) * Long.BYTES) : 0;
    }

    private void read(long pgno) throws IOException {
      long at = AT_ENTRIES + (pgno - 1) * Long.BYTES;
      long there = Math.max(0, file.orElseThrow().length() - at);
      count = (int) Math.min(WINDOW_ENTRIES, there / Long.BYTES);
      first = pgno;
      file.orElseThrow().seek(at);
      file.orElseThrow().readFully(window.array(), 0, count * Long.BYTES);
    }

    @Override
    public void close() throws IOException {
      if (file.isPresent()) {
        file.get().close();
      }
    }
  }

  /** Has everything unknown from now on, whatever happens to this host. */
  private void forget() throws IOException {
    header = Optional.empty();
    if (Files.deleteIfExists(path)) {
      SpoolFolder.fsync(folder.directory());
    }
  }

  /**
   * As the other. A file that stays says that it lacks the cut, and will not be made whole without
   * its file: it claims nothing that is not so.
   */
  @SuppressWarnings("EmptyCatch")
  private void forgetQuietly() {
    try {
      forget();
    } catch (IOException e) {
      // Nothing is to be done about it.
    }
  }
}
