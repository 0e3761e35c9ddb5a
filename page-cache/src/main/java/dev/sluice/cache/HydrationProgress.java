package dev.sluice.cache;

import dev.sluice.cache.bulk.SummedFrames;
import dev.sluice.ltx.FrameSum;
import dev.sluice.ltx.Txid;
import dev.sluice.ltx.TxidRange;
import dev.sluice.storage.LtxFile;
import dev.sluice.storage.LtxFileName;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.LongSupplier;
import java.util.zip.CRC32C;

/**
 * Which frames of files that are not proven yet were decoded into the page store, so that whoever
 * goes on after a failure or a restart reads only the others: the sums of these frames prove the
 * file together with those.
 *
 * <p>A digest of the pages that went into the store says whether they are still all there as they
 * were: another one, and the frames are read again. It does not matter when this was written, or
 * that it was not.
 *
 * <pre>
 *   u32 files, then of each: u8 level, u64 min, u64 max, u64 size, UTF version, u32 parts, then of each:
 *     u32 first, u32 count, u64 crc, u64 bytes, u64 database checksum, u64 digest
 *   at the end CRC32C of all before. Big endian
 * </pre>
 *
 * <p>Thread-safe.
 */
final class HydrationProgress {
  /** A megabyte a file; a file of which more is known is read again as far as that goes. */
  private static final int PARTS_MAX = 1 << 14;

  private static final int BYTES_OF_NOTHING = 2 * Integer.BYTES;
  private static final long KEEP_NANOS = TimeUnit.SECONDS.toNanos(1);

  private final Keeper keeper;
  private final LongSupplier ticker;
  private final ReentrantLock keeping = new ReentrantLock();

  /** Under the lock of this object. */
  private final Map<Key, TreeMap<Integer, Part>> parts = new HashMap<>();

  private volatile long keptNanos;
  private volatile int keptBytes;

  /** Keeps what there is to know for the next process. */
  @FunctionalInterface
  interface Keeper {
    void keep(byte[] bytes);
  }

  /** By which a file is the same file. */
  private record Key(LtxFileName name, long size, String version) {
    static Key of(LtxFile file) {
      return new Key(file.name(), file.size(), file.version());
    }
  }

  /**
   * Frames that were decoded.
   *
   * @param digest of the pages that went into the store
   */
  record Part(SummedFrames frames, long digest) {}

  HydrationProgress(Keeper keeper, LongSupplier ticker) {
    this.keeper = keeper;
    this.ticker = ticker;
    this.keptNanos = ticker.getAsLong();
  }

  /** Keeps what is known if that was not done for a while; waits for nobody who does. */
  void keepIfDue() {
    if (ticker.getAsLong() - keptNanos >= KEEP_NANOS && keeping.tryLock()) {
      try {
        keepNow();
      } finally {
        keeping.unlock();
      }
    }
  }

  /** Keeps what is known. */
  void keep() {
    keeping.lock();
    try {
      keepNow();
    } finally {
      keeping.unlock();
    }
  }

  /** Not if that is nothing, as it was before. Called with the lock. */
  private void keepNow() {
    keptNanos = ticker.getAsLong();
    byte[] bytes = bytes();
    if (bytes.length > BYTES_OF_NOTHING || keptBytes > BYTES_OF_NOTHING) {
      keeper.keep(bytes);
    }
    keptBytes = bytes.length;
  }

  /** Notes that frames of a file were decoded and are in the store. */
  synchronized void add(LtxFile file, Part part) {
    TreeMap<Integer, Part> ofFile = parts.computeIfAbsent(Key.of(file), key -> new TreeMap<>());
    if (ofFile.size() < PARTS_MAX || ofFile.containsKey(part.frames().first())) {
      ofFile.put(part.frames().first(), part);
    }
  }

  /** Forgets frames of a file whose pages are not as they were. */
  synchronized void remove(LtxFile file, Part part) {
    parts.getOrDefault(Key.of(file), new TreeMap<>()).remove(part.frames().first(), part);
  }

  /** Returns what was decoded of a file with so many frames; ascending, no frame twice. */
  synchronized List<Part> of(LtxFile file, int frameCount) {
    List<Part> found = new ArrayList<>();
    int end = 0;
    for (Part part : parts.getOrDefault(Key.of(file), new TreeMap<>()).values()) {
      SummedFrames frames = part.frames();
      if (frames.sum().count() > 0 && frames.first() >= end && frames.end() <= frameCount) {
        found.add(part);
        end = part.frames().end();
      }
    }
    return found;
  }

  /** Forgets a file. */
  synchronized void remove(LtxFile file) {
    parts.remove(Key.of(file));
  }

  /** Forgets all files but these. */
  synchronized void retain(Collection<LtxFile> files) {
    parts.keySet().retainAll(files.stream().map(Key::of).toList());
  }

  /** Returns what {@link #know} takes. */
  synchronized byte[] bytes() {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    try (DataOutputStream out = new DataOutputStream(bytes)) {
      out.writeInt(parts.size());
      for (Map.Entry<Key, TreeMap<Integer, Part>> entry : parts.entrySet()) {
        write(out, entry.getKey(), entry.getValue().values());
      }
      out.writeInt(crc(bytes.toByteArray(), bytes.size()));
    } catch (IOException e) {
      throw new UncheckedIOException(e); // a version of more than 64 KiB
    }
    return bytes.toByteArray();
  }

  private static void write(DataOutputStream out, Key key, Collection<Part> parts)
      throws IOException {
    out.writeByte(key.name().level());
    out.writeLong(key.name().range().min().value());
    out.writeLong(key.name().range().max().value());
    out.writeLong(key.size());
    out.writeUTF(key.version());
    out.writeInt(parts.size());
    for (Part part : parts) {
      FrameSum sum = part.frames().sum();
      out.writeInt(part.frames().first());
      out.writeInt(sum.count());
      out.writeLong(sum.crc());
      out.writeLong(sum.bytes());
      out.writeLong(sum.databaseChecksum());
      out.writeLong(part.digest());
    }
  }

  /** Takes over what was written; nothing if it is damaged. */
  synchronized void know(byte[] bytes) {
    int end = bytes.length - Integer.BYTES;
    if (end < Integer.BYTES || ByteBuffer.wrap(bytes).getInt(end) != crc(bytes, end)) {
      return;
    }
    try {
      read(new DataInputStream(new ByteArrayInputStream(bytes)));
      keptBytes = bytes.length;
    } catch (IOException | IllegalArgumentException e) {
      parts.clear(); // what wrote it drew it otherwise
    }
  }

  private void read(DataInputStream in) throws IOException {
    for (int files = in.readInt(); files > 0; files--) {
      int level = in.readUnsignedByte();
      TxidRange range = new TxidRange(new Txid(in.readLong()), new Txid(in.readLong()));
      Key key = new Key(new LtxFileName(level, range), in.readLong(), in.readUTF());
      TreeMap<Integer, Part> ofFile = new TreeMap<>();
      for (int left = in.readInt(); left > 0; left--) {
        int first = in.readInt();
        FrameSum sum = new FrameSum(in.readInt(), in.readLong(), in.readLong(), in.readLong());
        ofFile.put(first, new Part(new SummedFrames(first, sum), in.readLong()));
      }
      parts.put(key, ofFile);
    }
  }

  private static int crc(byte[] bytes, int length) {
    CRC32C crc = new CRC32C();
    crc.update(bytes, 0, length);
    return (int) crc.getValue();
  }
}
