package dev.sluice.replicator.levels;

import dev.sluice.ltx.Txid;
import dev.sluice.ltx.TxidRange;
import dev.sluice.storage.LtxFileName;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;

/**
 * The files of one level in 24 bytes each, ascending by min, then max TXID: a replica that gets a
 * commit every minute has two thousand. Changes; confined to whoever holds its owner's lock.
 *
 * <pre>
 *   +----------+----------+----------------+
 *   | min TXID | max TXID | since, epoch ms|   and the next
 *   +----------+----------+----------------+
 * </pre>
 */
final class FileRows {
  private static final int WIDTH = 3;
  private static final int AT_MAX = 1;
  private static final int AT_SINCE = 2;

  private final int level;
  private long[] rows = {};
  private int count;

  FileRows(int level) {
    this.level = level;
  }

  /** Adds a file; one that is there keeps its time. */
  void add(TxidRange range, Instant since) {
    int at = find(range);
    if (at >= 0) {
      return;
    }
    int index = -at - 1;
    if ((count + 1) * WIDTH > rows.length) {
      rows = Arrays.copyOf(rows, (count + 1 + count / 4) * WIDTH);
    }
    System.arraycopy(rows, index * WIDTH, rows, (index + 1) * WIDTH, (count - index) * WIDTH);
    rows[index * WIDTH] = range.min().value();
    rows[index * WIDTH + AT_MAX] = range.max().value();
    rows[index * WIDTH + AT_SINCE] = since.toEpochMilli();
    count++;
  }

  void remove(TxidRange range) {
    int index = find(range);
    if (index < 0) {
      return;
    }
    count--;
    System.arraycopy(rows, (index + 1) * WIDTH, rows, index * WIDTH, (count - index) * WIDTH);
    if (count < rows.length / WIDTH / 2) {
      rows = Arrays.copyOf(rows, count * WIDTH);
    }
  }

  /** Moves the times of all files. */
  void shift(Duration step) {
    for (int i = 0; i < count; i++) {
      rows[i * WIDTH + AT_SINCE] += step.toMillis();
    }
  }

  /** Returns when a file came, if it is there. */
  Optional<Instant> since(TxidRange range) {
    int index = find(range);
    return index < 0 ? Optional.empty() : Optional.of(file(index).since());
  }

  /** Returns where a file is, or {@code -(where it belongs) - 1}. */
  private int find(TxidRange range) {
    int low = 0;
    int high = count - 1;
    while (low <= high) {
      int middle = (low + high) >>> 1;
      int compared = Long.compareUnsigned(rows[middle * WIDTH], range.min().value());
      if (compared == 0) {
        compared = Long.compareUnsigned(rows[middle * WIDTH + AT_MAX], range.max().value());
      }
      if (compared == 0) {
        return middle;
      } else if (compared < 0) {
        low = middle + 1;
      } else {
        high = middle - 1;
      }
    }
    return -low - 1;
  }

  private HeldFile file(int index) {
    int at = index * WIDTH;
    TxidRange range = new TxidRange(new Txid(rows[at]), new Txid(rows[at + AT_MAX]));
    return new HeldFile(new LtxFileName(level, range), Instant.ofEpochMilli(rows[at + AT_SINCE]));
  }

  int level() {
    return level;
  }

  List<HeldFile> files() {
    List<HeldFile> files = new ArrayList<>(count);
    for (int i = 0; i < count; i++) {
      files.add(file(i));
    }
    return files;
  }

  int count() {
    return count;
  }

  /** Returns the greatest TXID of all; {@link Txid#NONE} if there is no file. */
  Txid max() {
    Txid max = Txid.NONE;
    for (int i = 0; i < count; i++) {
      Txid end = new Txid(rows[i * WIDTH + AT_MAX]);
      max = end.isAfter(max) ? end : max;
    }
    return max;
  }
}
