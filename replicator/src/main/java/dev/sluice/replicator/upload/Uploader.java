package dev.sluice.replicator.upload;

import dev.sluice.ltx.CompactionInput;
import dev.sluice.ltx.LtxCompactor;
import dev.sluice.ltx.LtxHeader;
import dev.sluice.ltx.Txid;
import dev.sluice.ltx.TxidRange;
import dev.sluice.replicator.spool.SpooledFile;
import dev.sluice.storage.Listings;
import dev.sluice.storage.LtxFile;
import dev.sluice.storage.LtxFileName;
import dev.sluice.storage.ReplicaClient;
import dev.sluice.storage.ReplicaException;
import java.io.FileInputStream;
import java.io.FileOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;

/**
 * Brings spooled files into a replica, in the order in which they are given, each under the name
 * that makes the replica whole:
 *
 * <ul>
 *   <li>the first file of all is the snapshot {@code 1-1}, on level 9 and nowhere else: a database
 *       crosses the network once
 *   <li>a file with another page size than the one before is an image with which history begins
 *       anew: it is stored as the snapshot {@code 1-t} first, for nothing reaches across, and then
 *       as what it is
 *   <li>every other is stored on level 0
 * </ul>
 *
 * <p>One attempt for each call; whoever calls tries again. Confined to one thread at a time.
 */
public final class Uploader {
  private static final String TEMPORARY = "image.tmp";

  /** Of one TXID the file of the smallest level is the greatest. */
  private static final Comparator<LtxFile> BY_TXID =
      Comparator.comparing((LtxFile file) -> file.name().range().max())
          .thenComparing(file -> -file.name().level());

  private final ReplicaWriter writer;
  private final Path directory;
  private final UploadStep.Listener steps;
  private Optional<LtxFile> newest = Optional.empty();
  private int pageSize;

  /**
   * Takes what to write with; makes no request.
   *
   * @param directory where a temporary file may lie; made if it is needed
   */
  public Uploader(ReplicaWriter writer, Path directory, UploadStep.Listener steps) {
    this.writer = writer;
    this.directory = directory;
    this.steps = steps;
  }

  /**
   * Lists the replica, and returns its greatest TXID; {@link Txid#NONE} if it has no file.
   *
   * @throws ReplicaException if that cannot be told now
   */
  public Txid newest() throws IOException {
    ReplicaClient client = writer.client();
    List<LtxFile> files = writer.limit().await(Listings.all(client), "list " + client.location());
    begin(files.stream().max(BY_TXID));
    return newest.map(file -> file.name().range().max()).orElse(Txid.NONE);
  }

  /**
   * Takes the replica's file with the greatest TXID from whoever has listed it, instead of {@link
   * #newest()}; empty if it has none. Deletes what a process before has left.
   */
  public void begin(Optional<LtxFile> last) throws IOException {
    newest = last;
    pageSize = 0;
    Files.deleteIfExists(temporary());
  }

  /**
   * Stores a file, unless it is there already: an attempt without an answer may have succeeded.
   *
   * @return what is stored now, in the order in which it was stored
   * @throws SecondWriterException if there is another file under its name
   * @throws ReplicaException if it is not stored, or that is not known: to be called again
   */
  public List<LtxFile> store(SpooledFile file) throws IOException {
    LtxHeader header = header(file.path());
    Instant timestamp = Instant.ofEpochMilli(header.timestampMillis());
    LtxFileName name = new LtxFileName(0, new TxidRange(file.txid(), file.txid()));
    List<LtxFile> stored = new ArrayList<>();
    if (file.txid().equals(Txid.FIRST)) {
      name = new LtxFileName(LtxFileName.SNAPSHOT_LEVEL, name.range());
    } else if (pageSizeBefore(file.txid()) != header.pageSize()) {
      stored.add(storeAsSnapshot(file, header));
      steps.reached(UploadStep.SNAPSHOT_STORED);
    }
    stored.add(writer.create(name, file.path(), timestamp));
    steps.reached(UploadStep.STORED);
    newest = Optional.of(stored.get(stored.size() - 1));
    pageSize = header.pageSize();
    return List.copyOf(stored);
  }

  private static LtxHeader header(Path file) throws IOException {
    // Not a channel: an interrupt would close it.
    try (InputStream in = new FileInputStream(file.toFile())) {
      return LtxHeader.parse(ByteBuffer.wrap(in.readNBytes(LtxHeader.BYTES)), file.toString());
    }
  }

  /** Returns the page size of the replica's newest file; one request after a start. */
  private int pageSizeBefore(Txid txid) throws IOException {
    // What is stored now may be there already, and be the newest that was listed.
    newest = newest.filter(file -> file.name().range().max().isBefore(txid));
    if (pageSize == 0 && newest.isPresent()) {
      try {
        pageSize = pageSize(newest.get());
      } catch (ReplicaException.NotFound | ReplicaException.Conflict e) {
        // Somebody deletes here, too: another file may say the same.
        newest = Optional.empty();
      }
    }
    if (pageSize == 0) {
      newest = listedBefore(txid);
      pageSize = pageSize(newest.orElseThrow(() -> isEmpty(txid)));
    }
    return pageSize;
  }

  private int pageSize(LtxFile file) throws IOException {
    ReplicaClient client = writer.client();
    String location = client.location(file.name());
    int bytes = (int) Math.min(LtxHeader.BYTES, file.size());
    byte[] head = writer.limit().await(client.read(file, 0, bytes), "read " + location);
    return LtxHeader.parse(ByteBuffer.wrap(head), location).pageSize();
  }

  private Optional<LtxFile> listedBefore(Txid txid) throws IOException {
    ReplicaClient client = writer.client();
    return writer.limit().await(Listings.all(client), "list " + client.location()).stream()
        .filter(file -> file.name().range().max().isBefore(txid))
        .max(BY_TXID);
  }

  private IllegalStateException isEmpty(Txid txid) {
    return new IllegalStateException(
        "store TXID " + txid + " in " + writer.client().location() + ", which is empty");
  }

  private LtxFile storeAsSnapshot(SpooledFile file, LtxHeader header) throws IOException {
    Files.createDirectories(directory);
    CompactionInput image =
        new CompactionInput(
            file.path().toString(), () -> new FileInputStream(file.path().toFile()));
    try {
      try (OutputStream out = new FileOutputStream(temporary().toFile());
          LtxCompactor copy = new LtxCompactor(List.of(image))) {
        copy.writeSnapshotTo(out, header.timestampMillis());
      }
      steps.reached(UploadStep.SNAPSHOT_WRITTEN);
      return writer.create(
          new LtxFileName(LtxFileName.SNAPSHOT_LEVEL, new TxidRange(Txid.FIRST, file.txid())),
          temporary(),
          Instant.ofEpochMilli(header.timestampMillis()));
    } finally {
      Files.deleteIfExists(temporary());
    }
  }

  private Path temporary() {
    return directory.resolve(TEMPORARY);
  }
}
