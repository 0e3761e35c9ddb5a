package dev.sluice.replicator.spool;

import dev.sluice.ltx.Txid;
import dev.sluice.ltx.TxidRange;
import dev.sluice.storage.Layout;
import dev.sluice.storage.LtxFileName;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Where a spool has what. Not for anything else that lies in the directory: names that are none of
 * these are left alone.
 *
 * <pre>
 *   DIRECTORY/position                       the record of the last cut
 *   DIRECTORY/log-0000000000000007           frames, in the order of the numbers
 *   DIRECTORY/ltx/0/TXID-TXID.ltx            what was cut
 *   DIRECTORY/ltx/0/TXID-TXID.ltx.tmp        what is being cut
 *   DIRECTORY/kept-0000000000000007          a cut that is safe elsewhere, and needed for checksums
 *   DIRECTORY/image-0000000000000007         says that the cut with this TXID has all pages
 *   DIRECTORY/checksums                      what each page was in the last cut
 *   DIRECTORY/checksums.next                 those of a large cut that does not count yet
 *   DIRECTORY/lock                           locked by the process whose spool it is
 * </pre>
 *
 * <p>Immutable.
 */
final class SpoolFolder {
  private static final String LOG = "log-";
  private static final String KEPT = "kept-";
  private static final String IMAGE = "image-";
  private static final Pattern NUMBERED = Pattern.compile("([a-z]+-)([0-9a-f]{16})");
  private static final String TEMPORARY = ".tmp";

  private final Path directory;
  private final Path cuts;

  SpoolFolder(Path directory) {
    this.directory = directory;
    this.cuts = directory.resolve(Layout.DIRECTORY.folder(0));
  }

  Path directory() {
    return directory;
  }

  /** Returns where the cut files lie. */
  Path cuts() {
    return cuts;
  }

  RecordFile record() {
    return new RecordFile(directory.resolve("position"));
  }

  Path log(long number) {
    return directory.resolve(LOG + new Txid(number));
  }

  Path kept(Txid txid) {
    return directory.resolve(KEPT + txid);
  }

  Path imageMark(Txid txid) {
    return directory.resolve(IMAGE + txid);
  }

  Path checksums() {
    return directory.resolve("checksums");
  }

  Path checksumsOverflow() {
    return directory.resolve("checksums.next");
  }

  Path lock() {
    return directory.resolve("lock");
  }

  Path cut(Txid txid) {
    return cuts.resolve(Layout.fileName(new TxidRange(txid, txid)));
  }

  Path temporary(Txid txid) {
    return cuts.resolve(Layout.fileName(new TxidRange(txid, txid)) + TEMPORARY);
  }

  /** Makes the folders that are not there, for good. */
  void create() throws IOException {
    create(cuts);
  }

  private static void create(Path folder) throws IOException {
    if (Files.isDirectory(folder)) {
      return;
    }
    Path parent = folder.toAbsolutePath().getParent();
    if (parent != null) {
      create(parent);
    }
    Files.createDirectory(folder);
    if (parent != null) {
      fsync(parent);
    }
  }

  /** Makes the names in a folder last. */
  static void fsync(Path folder) throws IOException {
    try (FileChannel channel = FileChannel.open(folder, StandardOpenOption.READ)) {
      channel.force(true);
    }
  }

  /** Returns the numbers of the log files, ascending. */
  List<Long> logs() throws IOException {
    return numbered(LOG);
  }

  /** Returns the TXIDs of cuts that are kept, ascending. */
  List<Txid> keptCuts() throws IOException {
    return numbered(KEPT).stream().map(Txid::new).toList();
  }

  /** Returns the TXIDs that are marked as images, ascending. */
  List<Txid> imageMarks() throws IOException {
    return numbered(IMAGE).stream().map(Txid::new).toList();
  }

  private List<Long> numbered(String kind) throws IOException {
    List<Long> numbers = new ArrayList<>();
    for (Path file : list(directory)) {
      Matcher matcher = NUMBERED.matcher(name(file));
      if (matcher.matches() && matcher.group(1).equals(kind)) {
        numbers.add(Long.parseUnsignedLong(matcher.group(2), 16));
      }
    }
    numbers.sort(Comparator.naturalOrder());
    return numbers;
  }

  /** Returns the TXIDs of the cut files, ascending; what is not done with among them. */
  List<Txid> cutTxids() throws IOException {
    List<Txid> txids = new ArrayList<>();
    for (Path file : list(cuts)) {
      Optional<LtxFileName> name = Layout.parse(0, name(file));
      if (name.isPresent() && name.get().range().min().equals(name.get().range().max())) {
        txids.add(name.get().range().min());
      }
    }
    txids.sort(Comparator.naturalOrder());
    return txids;
  }

  /** Returns all files but the record and the lock, what is being cut not among them. */
  List<Path> all() throws IOException {
    List<Path> files = new ArrayList<>();
    logs().forEach(number -> files.add(log(number)));
    keptCuts().forEach(txid -> files.add(kept(txid)));
    imageMarks().forEach(txid -> files.add(imageMark(txid)));
    cutTxids().forEach(txid -> files.add(cut(txid)));
    files.add(checksums());
    files.add(checksumsOverflow());
    return files;
  }

  /** Deletes files that were being cut. */
  void deleteTemporaries() throws IOException {
    for (Path file : list(cuts)) {
      if (name(file).endsWith(Layout.SUFFIX + TEMPORARY)) {
        Files.deleteIfExists(file);
      }
    }
  }

  private static List<Path> list(Path folder) throws IOException {
    List<Path> files = new ArrayList<>();
    try (DirectoryStream<Path> entries = Files.newDirectoryStream(folder)) {
      entries.forEach(files::add);
    } catch (NoSuchFileException e) {
      return List.of();
    }
    return files;
  }

  private static String name(Path file) {
    return Objects.toString(file.getFileName());
  }
}
