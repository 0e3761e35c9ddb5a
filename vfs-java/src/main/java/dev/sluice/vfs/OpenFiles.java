package dev.sluice.vfs;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The open files by the number under which C knows them.
 *
 * <p>An array, replaced when it changes, so that a read finds its file without a lock or an
 * allocation. Thread-safe.
 */
final class OpenFiles {
  /** Index = number; index 0 stays empty, so 0 is nobody's number. */
  private volatile @Nullable ReplicaFile[] files = new @Nullable ReplicaFile[8];

  synchronized long add(ReplicaFile file) {
    @Nullable ReplicaFile[] now = files;
    int number = 1;
    while (number < now.length && now[number] != null) {
      number++;
    }
    @Nullable ReplicaFile[] next =
        Arrays.copyOf(now, number < now.length ? now.length : now.length * 2);
    next[number] = file;
    files = next;
    return number;
  }

  /** Returns the file of that number; a number that C made up is our bug. */
  ReplicaFile get(long number) {
    @Nullable ReplicaFile[] now = files;
    ReplicaFile file = 0 < number && number < now.length ? now[(int) number] : null;
    if (file == null) {
      throw new IllegalStateException("no open file has the number " + number);
    }
    return file;
  }

  synchronized ReplicaFile remove(long number) {
    ReplicaFile file = get(number);
    @Nullable ReplicaFile[] next = files.clone();
    next[(int) number] = null;
    files = next;
    return file;
  }

  synchronized List<ReplicaFile> removeAll() {
    List<ReplicaFile> removed = new ArrayList<>();
    for (ReplicaFile file : files) {
      if (file != null) {
        removed.add(file);
      }
    }
    files = new @Nullable ReplicaFile[8];
    return removed;
  }
}
