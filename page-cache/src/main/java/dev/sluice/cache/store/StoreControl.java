package dev.sluice.cache.store;

import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Optional;
import java.util.UUID;
import java.util.zip.CRC32C;

/**
 * The file that says of which view the pages of a store are.
 *
 * <pre>
 *   0          8         12          16     24       28        32        48      60       64
 *  +----------+---------+-----------+------+--------+---------+---------+-------+--------+
 *  | SLUICES1 | version | page size | TXID | commit | clean   | boot id | zeros | CRC32C |
 *  +----------+---------+-----------+------+--------+---------+---------+-------+--------+
 *
 *   big endian; the CRC is of all before it; clean 1 = everything had reached the disk when the store was closed
 * </pre>
 *
 * <p>Thread-safe: one write at a time, each of the whole.
 */
final class StoreControl implements AutoCloseable {
  private static final byte[] MAGIC = "SLUICES1".getBytes(StandardCharsets.US_ASCII);
  private static final int LAYOUT_VERSION = 1;
  private static final int AT_CRC = 60;
  private static final int BYTES = 64;

  private final RandomAccessFile file;

  StoreControl(Path path) throws IOException {
    this(new RandomAccessFile(path.toFile(), "rw"));
  }

  private StoreControl(RandomAccessFile file) {
    this.file = file;
  }

  /** Returns one that only reads; the file must be there. */
  static StoreControl readOnly(Path path) throws IOException {
    return new StoreControl(new RandomAccessFile(path.toFile(), "r"));
  }

  /**
   * What the file says.
   *
   * @param txid of the view of which every page is that is here
   * @param boot in which run of the system that was written, if that can be told
   */
  record State(int pageSize, long txid, long commit, boolean isClean, Optional<UUID> boot) {

    /** Returns whether all that was written is there, or will be in the order it was written. */
    boolean isTrusted() {
      return isClean || (boot.isPresent() && boot.equals(BootId.now()));
    }

    /** Returns what it says while pages are written. */
    static State open(int pageSize, long txid, long commit) {
      return new State(pageSize, txid, commit, false, BootId.now());
    }
  }

  /** Returns what it says; empty if it says nothing, or is damaged. */
  synchronized Optional<State> read() throws IOException {
    byte[] bytes = new byte[BYTES];
    if (file.length() < BYTES) {
      return Optional.empty();
    }
    file.seek(0);
    file.readFully(bytes);
    ByteBuffer fields = ByteBuffer.wrap(bytes);
    byte[] magic = new byte[MAGIC.length];
    fields.get(magic);
    boolean isOurs = Arrays.equals(magic, MAGIC) && fields.getInt() == LAYOUT_VERSION;
    if (!isOurs || fields.getInt(AT_CRC) != crc(bytes)) {
      return Optional.empty();
    }
    int pageSize = fields.getInt();
    long txid = fields.getLong();
    long commit = Integer.toUnsignedLong(fields.getInt());
    boolean isClean = fields.getInt() == 1;
    UUID boot = new UUID(fields.getLong(), fields.getLong());
    return Optional.of(
        new State(
            pageSize,
            txid,
            commit,
            isClean,
            boot.equals(new UUID(0, 0)) ? Optional.empty() : Optional.of(boot)));
  }

  synchronized void write(State state) throws IOException {
    ByteBuffer fields = ByteBuffer.allocate(BYTES);
    UUID boot = state.boot().orElse(new UUID(0, 0));
    fields.put(MAGIC).putInt(LAYOUT_VERSION).putInt(state.pageSize());
    fields.putLong(state.txid()).putInt((int) state.commit()).putInt(state.isClean() ? 1 : 0);
    fields.putLong(boot.getMostSignificantBits()).putLong(boot.getLeastSignificantBits());
    fields.putInt(AT_CRC, crc(fields.array()));
    file.seek(0);
    file.write(fields.array());
  }

  private static int crc(byte[] bytes) {
    CRC32C crc = new CRC32C();
    crc.update(bytes, 0, AT_CRC);
    return (int) crc.getValue();
  }

  synchronized void sync() throws IOException {
    file.getFD().sync();
  }

  /** Says that everything has reached the disk. */
  synchronized void markClean() throws IOException {
    Optional<State> now = read();
    if (now.isPresent()) {
      State state = now.get();
      write(new State(state.pageSize(), state.txid(), state.commit(), true, state.boot()));
      sync();
    }
  }

  @Override
  public synchronized void close() throws IOException {
    file.close();
  }
}
