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
 * </pre>
 *
 * <p>Immutable.
 */
final class SpoolFolder {
  private static final Pattern LOG = Pattern.compile("log-([0-9a-f]{16})");
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
    return directory.resolve("log-" + new Txid(number));
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
    List<Long> numbers = new ArrayList<>();
    for (Path file : list(directory)) {
      Matcher matcher = LOG.matcher(name(file));
      if (matcher.matches()) {
        numbers.add(Long.parseUnsignedLong(matcher.group(1), 16));
      }
    }
    numbers.sort(Comparator.naturalOrder());
    return numbers;
  }

  /** Returns the cut files, ascending by TXID; what is not done with among them. */
  List<SpooledFile> files() throws IOException {
    List<SpooledFile> files = new ArrayList<>();
    for (Path file : list(cuts)) {
      Optional<LtxFileName> name = Layout.parse(0, name(file));
      if (name.isPresent() && name.get().range().min().equals(name.get().range().max())) {
        size(file)
            .ifPresent(bytes -> files.add(new SpooledFile(name.get().range().min(), file, bytes)));
      }
    }
    files.sort(Comparator.comparing(SpooledFile::txid));
    return List.copyOf(files);
  }

  private static Optional<Long> size(Path file) throws IOException {
    try {
      return Optional.of(Files.size(file));
    } catch (NoSuchFileException e) {
      return Optional.empty();
    }
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
