package dev.sluice.cache;

import dev.sluice.ltx.Txid;
import dev.sluice.ltx.TxidRange;
import dev.sluice.storage.LtxFile;
import dev.sluice.storage.LtxFileName;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.UTFDataFormatException;
import java.nio.ByteBuffer;
import java.time.DateTimeException;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.zip.CRC32C;

/**
 * The files that tell a replica from another, kept beside its page store: without them nobody could
 * say after a restart whether what lies there is of the replica that is there now.
 *
 * <pre>
 *   u32 files, then of each: u8 level, u64 min, u64 max, u64 size, u64 seconds, u32 nanos, UTF version,
 *   u8 1 if it was read, then u64 timestamp, u64 checksum; at the end CRC32C of all before. Big endian
 * </pre>
 */
final class LineageFile {
  private LineageFile() {}

  /** Returns what the file shall hold. */
  static byte[] bytes(List<Lineage.Known> files) throws IOException {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    DataOutputStream out = new DataOutputStream(bytes);
    out.writeInt(files.size());
    for (Lineage.Known known : files) {
      write(out, known);
    }
    out.writeInt(crc(bytes.toByteArray(), bytes.size()));
    return bytes.toByteArray();
  }

  @SuppressWarnings("JavaInstantGetSecondsGetNano") // both are written
  private static void write(DataOutputStream out, Lineage.Known known) throws IOException {
    LtxFile file = known.file();
    out.writeByte(file.name().level());
    out.writeLong(file.name().range().min().value());
    out.writeLong(file.name().range().max().value());
    out.writeLong(file.size());
    out.writeLong(file.created().getEpochSecond());
    out.writeInt(file.created().getNano());
    out.writeUTF(file.version());
    out.writeBoolean(known.fingerprint().isPresent());
    if (known.fingerprint().isPresent()) {
      out.writeLong(known.fingerprint().get().timestampMillis());
      out.writeLong(known.fingerprint().get().fileChecksum());
    }
  }

  /** Returns what was written; nothing if there is none, or it is damaged. */
  static List<Lineage.Known> parse(byte[] bytes) throws IOException {
    int end = bytes.length - Integer.BYTES;
    if (end < Integer.BYTES || ByteBuffer.wrap(bytes).getInt(end) != crc(bytes, end)) {
      return List.of();
    }
    try {
      return read(bytes);
    } catch (EOFException
        | UTFDataFormatException
        | IllegalArgumentException
        | DateTimeException
        | ArithmeticException e) {
      return List.of(); // what wrote it drew it otherwise
    }
  }

  private static List<Lineage.Known> read(byte[] bytes) throws IOException {
    DataInputStream in = new DataInputStream(new ByteArrayInputStream(bytes));
    List<Lineage.Known> files = new ArrayList<>();
    for (int left = in.readInt(); left > 0; left--) {
      files.add(read(in));
    }
    return files;
  }

  private static Lineage.Known read(DataInputStream in) throws IOException {
    int level = in.readUnsignedByte();
    TxidRange range = new TxidRange(new Txid(in.readLong()), new Txid(in.readLong()));
    long size = in.readLong();
    Instant created = Instant.ofEpochSecond(in.readLong(), in.readInt());
    LtxFile file = new LtxFile(new LtxFileName(level, range), size, created, in.readUTF());
    Optional<Fingerprints.Fingerprint> content =
        in.readBoolean()
            ? Optional.of(new Fingerprints.Fingerprint(in.readLong(), in.readLong()))
            : Optional.empty();
    return new Lineage.Known(file, content);
  }

  private static int crc(byte[] bytes, int length) {
    CRC32C crc = new CRC32C();
    crc.update(bytes, 0, length);
    return (int) crc.getValue();
  }
}
