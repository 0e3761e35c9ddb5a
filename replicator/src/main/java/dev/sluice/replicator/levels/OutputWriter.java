package dev.sluice.replicator.levels;

import dev.sluice.ltx.Compaction;
import dev.sluice.ltx.CompactionInput;
import dev.sluice.ltx.LtxCompactor;
import dev.sluice.ltx.LtxFormatException;
import dev.sluice.ltx.LtxHeader;
import dev.sluice.ltx.LtxTrailer;
import dev.sluice.ltx.TxidRange;
import dev.sluice.replicator.upload.ReplicaWriter;
import dev.sluice.storage.LtxFile;
import dev.sluice.storage.LtxFileName;
import dev.sluice.storage.ReplicaClient;
import java.io.FileInputStream;
import java.io.FileNotFoundException;
import java.io.FileOutputStream;
import java.io.FilterOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.InterruptedIOException;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.nio.file.DirectoryIteratorException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.UUID;

/**
 * Makes one file of a higher level out of files of the replica, and stores it: through a temporary
 * file, because nothing that is not known to be whole may get a name. That file need not last: it
 * goes when it is stored or has failed, and what a killed process left when the next one begins. It
 * has a name of its own, as a replication that was stopped may still be ending when the next one on
 * the same directory begins; its file is taken from it then. Confined to one thread at a time.
 */
final class OutputWriter {
  private static final String TEMPORARIES = "output*.tmp";

  /** What the pieces of all inputs take together. */
  private static final int PIECES_BYTES = 8 << 20;

  private static final int PIECE_BYTES_MIN = 16 << 10;
  private static final int PIECE_BYTES_MAX = 256 << 10;

  /** A file as large as this is most of what is read, and there is one such or two. */
  private static final long LARGE_BYTES = 64 << 20;

  private static final int LARGE_PIECE_BYTES = 4 << 20;

  private final ReplicaWriter writer;
  private final Holdings holdings;
  private final LevelSetup setup;
  private final Path temporary;

  /** Local copies that turned out to be malformed: the replica's own file is used instead. */
  private final Set<LtxFileName> notLocal = new HashSet<>();

  private long fetchedBytes;

  OutputWriter(ReplicaWriter writer, Holdings holdings, LevelSetup setup) {
    this.writer = writer;
    this.holdings = holdings;
    this.setup = setup;
    this.temporary = setup.directory().resolve("output-" + UUID.randomUUID() + ".tmp");
  }

  /** What was stored. */
  record Output(LtxFile file, Compaction compaction) {}

  /** An input broke a rule of the format. */
  static final class UnusableInputException extends IOException {
    private static final long serialVersionUID = 1L;

    private final transient LtxFileName name;

    UnusableInputException(LtxFileName name, LtxFormatException cause) {
      super(cause.getMessage(), cause);
      this.name = name;
    }

    LtxFileName name() {
      return name;
    }
  }

  /** Deletes what a process before left, and takes its file from whoever is ending. */
  void deleteLeftover() throws IOException {
    if (!Files.isDirectory(setup.directory())) {
      return;
    }
    try (DirectoryStream<Path> left = Files.newDirectoryStream(setup.directory(), TEMPORARIES)) {
      for (Path file : left) {
        if (Files.deleteIfExists(file)) {
          setup.steps().reached(LevelStep.LEFTOVER_DELETED);
        }
      }
    } catch (DirectoryIteratorException e) {
      throw e.getCause();
    }
  }

  /** Returns how many bytes were read from the storage so far. */
  long fetchedBytes() {
    return fetchedBytes;
  }

  /**
   * Merges inputs into one file of a level, with the time of the last of them.
   *
   * @param inputs in the order of history
   */
  Output compact(int level, List<LtxFileName> inputs) throws IOException {
    TxidRange range =
        new TxidRange(inputs.get(0).range().min(), inputs.get(inputs.size() - 1).range().max());
    return write(new LtxFileName(level, range), inputs, LtxCompactor::writeTo);
  }

  /**
   * Merges inputs that hold every page into a snapshot.
   *
   * @param made its time, if no input has a later one
   */
  Output snapshot(LtxFileName name, List<LtxFileName> inputs, Instant made) throws IOException {
    return write(
        name,
        inputs,
        (compactor, out) -> {
          long time = Math.max(made.toEpochMilli(), compactor.header().timestampMillis());
          return compactor.writeSnapshotTo(out, time);
        });
  }

  private interface Merge {
    Compaction run(LtxCompactor compactor, OutputStream out) throws IOException;
  }

  private Output write(LtxFileName name, List<LtxFileName> inputs, Merge merge) throws IOException {
    Files.createDirectories(setup.directory());
    requireRoom(name, inputs);
    Output output;
    try {
      Compaction made = merge(inputs, merge);
      requireNamed(made.header().range(), name, inputs);
      requireWritten(made);
      setup.steps().reached(LevelStep.OUTPUT_WRITTEN);
      Instant timestamp = Instant.ofEpochMilli(made.header().timestampMillis());
      output = new Output(writer.create(name, temporary, timestamp), made);
    } catch (IOException | RuntimeException e) {
      deleteAfter(e);
      throw e;
    }
    setup.steps().reached(LevelStep.OUTPUT_STORED);
    Files.deleteIfExists(temporary);
    setup.steps().reached(LevelStep.OUTPUT_DELETED);
    return output;
  }

  /**
   * Checks that an output as large as all its inputs has room, before they are read in vain: the
   * disk is that of the database, which needs room as well.
   */
  private void requireRoom(LtxFileName name, List<LtxFileName> inputs) throws IOException {
    long needed =
        inputs.stream()
            .flatMap(input -> holdings.find(input).stream())
            .mapToLong(LtxFile::size)
            .sum();
    long room = Files.getFileStore(setup.directory()).getUsableSpace();
    if (room < needed) {
      throw new IOException(
          "make %s: %s has room for %d bytes, and %d may be needed"
              .formatted(writer.client().location(name), setup.directory(), room, needed));
    }
  }

  private void deleteAfter(Exception failure) {
    try {
      Files.deleteIfExists(temporary);
    } catch (IOException e) {
      failure.addSuppressed(e);
    }
  }

  private Compaction merge(List<LtxFileName> inputs, Merge merge) throws IOException {
    Map<String, LtxFileName> names = new HashMap<>();
    Set<String> localNames = new HashSet<>();
    List<CompactionInput> opened = new ArrayList<>();
    int pieceBytes =
        Math.max(PIECE_BYTES_MIN, Math.min(PIECE_BYTES_MAX, PIECES_BYTES / inputs.size()));
    for (LtxFileName name : inputs) {
      Optional<Path> local = notLocal.contains(name) ? Optional.empty() : setup.local().find(name);
      String label = local.map(Path::toString).orElseGet(() -> writer.client().location(name));
      names.put(label, name);
      local.ifPresent(path -> localNames.add(label));
      opened.add(new CompactionInput(label, () -> open(name, local, pieceBytes)));
    }
    try (OutputStream out = new Interruptible(new FileOutputStream(temporary.toFile()));
        LtxCompactor compactor = new LtxCompactor(opened)) {
      setup.steps().reached(LevelStep.OUTPUT_CREATED);
      return merge.run(compactor, out);
    } catch (LtxFormatException e) {
      LtxFileName name = Optional.ofNullable(names.get(e.file())).orElseThrow(() -> e);
      if (localNames.contains(e.file())) {
        notLocal.add(name);
        return merge(inputs, merge);
      }
      throw new UnusableInputException(name, e);
    }
  }

  private InputStream open(LtxFileName name, Optional<Path> local, int pieceBytes)
      throws IOException {
    if (local.isPresent()) {
      try {
        return new FileInputStream(local.get().toFile());
      } catch (FileNotFoundException e) {
        // It was done with meanwhile.
      }
    }
    LtxFile file = file(name);
    int bytes = file.size() < LARGE_BYTES ? pieceBytes : LARGE_PIECE_BYTES;
    return new RemoteInput(writer, file, bytes, count -> fetchedBytes += count);
  }

  private LtxFile file(LtxFileName name) throws IOException {
    Optional<LtxFile> known = holdings.find(name);
    if (known.isPresent()) {
      return known.get();
    }
    ReplicaClient client = writer.client();
    return writer
        .limit()
        .await(client.readTail(name, LtxTrailer.BYTES), "read tail of " + client.location(name))
        .file();
  }

  /** Returns the header of a file of the replica. */
  LtxHeader header(LtxFileName name) throws IOException {
    try (InputStream in = open(name, setup.local().find(name), LtxHeader.BYTES)) {
      byte[] head = in.readNBytes(LtxHeader.BYTES);
      return LtxHeader.parse(ByteBuffer.wrap(head), writer.client().location(name));
    }
  }

  /** Checks that the first and the last input cover what their names say. */
  private void requireNamed(TxidRange made, LtxFileName name, List<LtxFileName> inputs)
      throws UnusableInputException {
    if (made.equals(name.range())) {
      return;
    }
    LtxFileName wrong =
        made.max().equals(name.range().max()) ? inputs.get(0) : inputs.get(inputs.size() - 1);
    throw new UnusableInputException(
        wrong,
        new LtxFormatException(
            writer.client().location(wrong),
            0,
            "the TXIDs of its header are not those of its name"));
  }

  private void requireWritten(Compaction made) throws IOException {
    long bytes = Files.size(temporary);
    if (bytes != made.bytes()) {
      throw new IOException(
          "write " + temporary + ": it has " + bytes + " bytes, not " + made.bytes());
    }
  }

  /** Ends a merge, which may take minutes, when its thread is interrupted. */
  private static final class Interruptible extends FilterOutputStream {

    Interruptible(OutputStream out) {
      super(out);
    }

    @Override
    public void write(byte[] src, int offset, int length) throws IOException {
      if (Thread.currentThread().isInterrupted()) {
        throw new InterruptedIOException("the compaction was interrupted");
      }
      out.write(src, offset, length);
    }
  }
}
