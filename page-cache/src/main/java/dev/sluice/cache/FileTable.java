package dev.sluice.cache;

import dev.sluice.ltx.Txid;
import dev.sluice.ltx.TxidRange;
import dev.sluice.storage.LtxFile;
import dev.sluice.storage.LtxFileName;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;

/**
 * The files that a replica's page maps and caches refer to, each with a number that never changes
 * its meaning: another size or version is another file with another number.
 *
 * <p>Columns instead of objects, because ten thousand files as objects take four megabytes, half as
 * much as the page map of a million pages. A row takes about 80 bytes, and is there until its
 * number is no longer retained. Numbers are given in ascending order and never again, rows stand in
 * the order of their numbers, and so a row is found by a binary search; there are two billion
 * numbers, a new one each second for 68 years. Thread-safe: the columns are under this object's
 * private lock.
 */
final class FileTable {
  // 0        1        2        3        4              6
  // +--------+--------+--------+--------+--------------+
  // | min    | max    | size   | second | nanos, place | one row: five longs
  // +--------+--------+--------+--------+--------------+
  // place: where the version starts in `versions`: a byte for the level, two for the length, UTF-8.
  // Row i has number numbers[i]; numbers ascend. `hash` holds rows, not numbers; -1 = free.
  private static final int ROW_LONGS = 5;
  private static final int INITIAL_ROWS = 16;
  private static final int VERSION_BYTES_MAX = 0xffff;
  private static final int PLACE_BITS = 32;

  private final Object lock = new Object();
  private int[] numbers = new int[INITIAL_ROWS];
  private long[] rows = new long[INITIAL_ROWS * ROW_LONGS];
  private byte[] versions = new byte[INITIAL_ROWS * Long.BYTES];
  private int[] hash = emptyHash(INITIAL_ROWS * 2);
  private int count;
  private int versionBytes;
  private int nextNumber;

  /** Returns the number of a file, a new one if this very file was never met or is forgotten. */
  int numberOf(LtxFile file) {
    byte[] version = file.version().getBytes(StandardCharsets.UTF_8);
    if (version.length > VERSION_BYTES_MAX) {
      throw new IllegalArgumentException(
          "a version of " + version.length + " bytes for " + file.name());
    }
    synchronized (lock) {
      int at = slotOf(file, version);
      if (hash[at] >= 0) {
        return numbers[hash[at]];
      }
      if (nextNumber == Integer.MAX_VALUE) {
        throw new IllegalStateException("no number is left for " + file.name());
      }
      add(file, version);
      hash[at] = count;
      count++;
      if (count * 2 > hash.length) {
        rehash(hash.length * 2);
      }
      return nextNumber++;
    }
  }

  /**
   * Returns the file of a number.
   *
   * @throws IllegalArgumentException if the number was never given, or its file is forgotten
   */
  LtxFile file(int number) {
    return find(number)
        .orElseThrow(() -> new IllegalArgumentException("file " + number + " is not known"));
  }

  /** Returns the file of a number; empty if it was never given, or its file is forgotten. */
  Optional<LtxFile> find(int number) {
    synchronized (lock) {
      int i = Arrays.binarySearch(numbers, 0, count, number);
      return i < 0 ? Optional.empty() : Optional.of(fileOf(i));
    }
  }

  private LtxFile fileOf(int i) {
    int row = i * ROW_LONGS;
    TxidRange range = new TxidRange(new Txid(rows[row]), new Txid(rows[row + 1]));
    int place = (int) rows[row + 4];
    int length = versionLength(place);
    String version = new String(versions, place + 3, length, StandardCharsets.UTF_8);
    Instant created = Instant.ofEpochSecond(rows[row + 3], rows[row + 4] >>> PLACE_BITS);
    return new LtxFile(new LtxFileName(versions[place], range), rows[row + 2], created, version);
  }

  /** Returns the number that the next file which is not known will get. */
  int next() {
    synchronized (lock) {
      return nextNumber;
    }
  }

  /**
   * Forgets files that nothing refers to; one of them that is met again gets a new number. Memory
   * is afterwards that of the rest.
   *
   * @param sortedUsed the numbers that something refers to, ascending; others than this table has
   *     do not matter
   * @param before files of this number and greater ones stay, whether used or not
   */
  void retain(int[] sortedUsed, int before) {
    synchronized (lock) {
      int kept = 0;
      int keptBytes = 0;
      for (int i = 0; i < count; i++) {
        if (numbers[i] < before && Arrays.binarySearch(sortedUsed, numbers[i]) < 0) {
          continue;
        }
        int place = (int) rows[i * ROW_LONGS + 4];
        int bytes = 3 + versionLength(place);
        System.arraycopy(rows, i * ROW_LONGS, rows, kept * ROW_LONGS, ROW_LONGS);
        System.arraycopy(versions, place, versions, keptBytes, bytes);
        int last = kept * ROW_LONGS + 4;
        rows[last] = (rows[last] >>> PLACE_BITS << PLACE_BITS) | keptBytes;
        numbers[kept] = numbers[i];
        kept++;
        keptBytes += bytes;
      }
      if (kept < count) {
        shrink(kept, keptBytes);
      }
    }
  }

  private void shrink(int kept, int keptBytes) {
    count = kept;
    versionBytes = keptBytes;
    int room = Math.max(INITIAL_ROWS, kept + (kept >> 2));
    if (room < numbers.length) {
      numbers = Arrays.copyOf(numbers, room);
      rows = Arrays.copyOf(rows, room * ROW_LONGS);
    }
    versions = Arrays.copyOf(versions, keptBytes + (keptBytes >> 2));
    rehash(Integer.highestOneBit(room) * 4);
  }

  /** Returns the numbers of many files, in their order. */
  int[] numbersOf(List<LtxFile> files) {
    return files.stream().mapToInt(this::numberOf).toArray();
  }

  /** Returns the bytes of memory that this table takes. */
  long heapBytes() {
    synchronized (lock) {
      return (long) rows.length * Long.BYTES
          + (long) numbers.length * Integer.BYTES
          + versions.length
          + (long) hash.length * Integer.BYTES
          + 4 * 16L;
    }
  }

  @SuppressWarnings("JavaInstantGetSecondsGetNano") // both are kept
  private void add(LtxFile file, byte[] version) {
    if (count == numbers.length) {
      int room = count + (count >> 2) + 1;
      numbers = Arrays.copyOf(numbers, room);
      rows = Arrays.copyOf(rows, room * ROW_LONGS);
    }
    numbers[count] = nextNumber;
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

  private boolean isRow(int i, LtxFile file, byte[] version) {
    int row = i * ROW_LONGS;
    int place = (int) rows[row + 4];
    return rows[row] == file.name().range().min().value()
        && rows[row + 1] == file.name().range().max().value()
        && rows[row + 2] == file.size()
        && versions[place] == file.name().level()
        && Arrays.equals(
            versions, place + 3, place + 3 + versionLength(place), version, 0, version.length);
  }

  private void rehash(int length) {
    hash = emptyHash(length);
    for (int i = 0; i < count; i++) {
      int at = hashOf(rows[i * ROW_LONGS], rows[i * ROW_LONGS + 1]) & (length - 1);
      while (hash[at] >= 0) {
        at = (at + 1) & (length - 1);
      }
      hash[at] = i;
    }
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
