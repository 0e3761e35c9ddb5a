package dev.sluice.cache;

import dev.sluice.ltx.Txid;
import dev.sluice.ltx.TxidRange;
import dev.sluice.storage.LtxFile;
import dev.sluice.storage.LtxFileName;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.Arrays;
import java.util.List;

/**
 * The files that a replica's page maps and caches refer to, each with a number that never changes
 * its meaning: another size or version is another file with another number.
 *
 * <p>Columns instead of objects, because ten thousand files as objects take four megabytes, half as
 * much as the page map of a million pages. Only grows: numbers are as many as memory holds rows, of
 * about 80 bytes. Thread-safe: the columns are under this object's private lock.
 */
final class FileTable {
  // 0        1        2        3        4              6
  // +--------+--------+--------+--------+--------------+
  // | min    | max    | size   | second | nanos, place | one row: five longs
  // +--------+--------+--------+--------+--------------+
  // place: where the version starts in `versions`: a byte for the level, two for the length, UTF-8.
  private static final int ROW_LONGS = 5;
  private static final int INITIAL_ROWS = 16;
  private static final int VERSION_BYTES_MAX = 0xffff;
  private static final int PLACE_BITS = 32;

  private final Object lock = new Object();
  private long[] rows = new long[INITIAL_ROWS * ROW_LONGS];
  private byte[] versions = new byte[INITIAL_ROWS * Long.BYTES];
  private int[] hash = emptyHash(INITIAL_ROWS * 2);
  private int count;
  private int versionBytes;

  /** Returns the number of a file, a new one if this very file was never met. */
  int numberOf(LtxFile file) {
    byte[] version = file.version().getBytes(StandardCharsets.UTF_8);
    if (version.length > VERSION_BYTES_MAX) {
      throw new IllegalArgumentException(
          "a version of " + version.length + " bytes for " + file.name());
    }
    synchronized (lock) {
      int at = slotOf(file, version);
      if (hash[at] >= 0) {
        return hash[at];
      }
      add(file, version);
      hash[at] = count;
      count++;
      if (count * 2 > hash.length) {
        rehash();
      }
      return count - 1;
    }
  }

  /** Returns the file of a number. */
  LtxFile file(int number) {
    synchronized (lock) {
      if (number < 0 || number >= count) {
        throw new IllegalArgumentException("file " + number + " of " + count);
      }
      int row = number * ROW_LONGS;
      TxidRange range = new TxidRange(new Txid(rows[row]), new Txid(rows[row + 1]));
      int place = (int) rows[row + 4];
      int length = versionLength(place);
      String version = new String(versions, place + 3, length, StandardCharsets.UTF_8);
      Instant created = Instant.ofEpochSecond(rows[row + 3], rows[row + 4] >>> PLACE_BITS);
      return new LtxFile(new LtxFileName(versions[place], range), rows[row + 2], created, version);
    }
  }

  /** Returns the numbers of many files, in their order. */
  int[] numbersOf(List<LtxFile> files) {
    return files.stream().mapToInt(this::numberOf).toArray();
  }

  /** Returns the bytes of memory that this table takes. */
  long heapBytes() {
    synchronized (lock) {
      return (long) rows.length * Long.BYTES
          + versions.length
          + (long) hash.length * Integer.BYTES
          + 3 * 16L;
    }
  }

  @SuppressWarnings("JavaInstantGetSecondsGetNano") // both are kept
  private void add(LtxFile file, byte[] version) {
    if ((count + 1) * ROW_LONGS > rows.length) {
      rows = Arrays.copyOf(rows, (count + (count >> 2) + 1) * ROW_LONGS);
    }
    int needed = versionBytes + 3 + version.length;
    if (needed > versions.length) {
      versions = Arrays.copyOf(versions, needed + (needed >> 2));
    }
    int row = count * ROW_LONGS;
    rows[row] = file.name().range().min().value();
    rows[row + 1] = file.name().range().max().value();
    rows[row + 2] = file.size();
    rows[row + 3] = file.created().getEpochSecond();
    rows[row + 4] = ((long) file.created().getNano() << PLACE_BITS) | versionBytes;
    versions[versionBytes] = (byte) file.name().level();
    versions[versionBytes + 1] = (byte) (version.length >>> 8);
    versions[versionBytes + 2] = (byte) version.length;
    System.arraycopy(version, 0, versions, versionBytes + 3, version.length);
    versionBytes = needed;
  }

  private int versionLength(int place) {
    return ((versions[place + 1] & 0xff) << 8) | (versions[place + 2] & 0xff);
  }

  private int slotOf(LtxFile file, byte[] version) {
    TxidRange range = file.name().range();
    int at = hashOf(range.min().value(), range.max().value()) & (hash.length - 1);
    while (hash[at] >= 0 && !isRow(hash[at], file, version)) {
      at = (at + 1) & (hash.length - 1);
    }
    return at;
  }

  private boolean isRow(int number, LtxFile file, byte[] version) {
    int row = number * ROW_LONGS;
    int place = (int) rows[row + 4];
    return rows[row] == file.name().range().min().value()
        && rows[row + 1] == file.name().range().max().value()
        && rows[row + 2] == file.size()
        && versions[place] == file.name().level()
        && Arrays.equals(
            versions, place + 3, place + 3 + versionLength(place), version, 0, version.length);
  }

  private void rehash() {
    int[] larger = emptyHash(hash.length * 2);
    for (int number = 0; number < count; number++) {
      int at = hashOf(rows[number * ROW_LONGS], rows[number * ROW_LONGS + 1]) & (larger.length - 1);
      while (larger[at] >= 0) {
        at = (at + 1) & (larger.length - 1);
      }
      larger[at] = number;
    }
    hash = larger;
  }

  private static int hashOf(long min, long max) {
    long mixed = (min * 31 + max) * 0x9E3779B97F4A7C15L;
    return (int) (mixed >>> 32);
  }

  private static int[] emptyHash(int length) {
    int[] empty = new int[length];
    Arrays.fill(empty, -1);
    return empty;
  }
}
