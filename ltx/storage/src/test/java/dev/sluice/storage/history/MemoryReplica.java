package dev.sluice.storage.history;

import dev.sluice.ltx.Txid;
import dev.sluice.ltx.TxidRange;
import dev.sluice.storage.LtxFile;
import dev.sluice.storage.LtxFileName;
import dev.sluice.storage.ReplicaClient;
import java.time.Instant;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Comparator;
import java.util.Deque;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.NavigableMap;
import java.util.Optional;
import java.util.TreeMap;
import java.util.function.IntSupplier;

/**
 * A replica's files in memory, for as many clients as are opened on it. Each file that is stored
 * has a version of its own, also under a name that was there before.
 *
 * <p>Listings may lag behind: a change is listed only after as many further changes and requests as
 * the delay said when it was made. Reading does not lag. What happens to one name is listed in the
 * order in which it happened.
 *
 * <p>Thread-safe: all is under this object's private lock.
 */
public final class MemoryReplica {
  private static final Comparator<TxidRange> BY_MIN_AND_MAX =
      Comparator.comparing(TxidRange::min).thenComparing(TxidRange::max);

  private final Object lock = new Object();
  private final String location;
  private final MemoryObjects objects;
  private final Map<LtxFileName, Stored> files = new HashMap<>();
  private final List<NavigableMap<TxidRange, Listed>> levels = new ArrayList<>();
  private IntSupplier delay = () -> 0;
  private long operations;
  private long versions;
  private long lists;
  private long gets;

  /** A file and its bytes. */
  @SuppressWarnings("ArrayRecordComponent") // compared by nobody
  record Stored(LtxFile file, byte[] content) {}

  /** A state of a name that a listing shows from some operation on. */
  private record Change(long shownFrom, Optional<LtxFile> file) {}

  /** What listings show of one name: now, and from some operation on. */
  private static final class Listed {
    Optional<LtxFile> shown = Optional.empty();
    final Deque<Change> coming = new ArrayDeque<>();

    Optional<LtxFile> at(long operation) {
      while (!coming.isEmpty() && coming.element().shownFrom() <= operation) {
        shown = coming.remove().file();
      }
      return shown;
    }
  }

  /** Makes an empty replica; {@code location} is for messages. */
  public MemoryReplica(String location) {
    this.location = location;
    this.objects = new MemoryObjects(location);
    for (int level = 0; level <= LtxFileName.SNAPSHOT_LEVEL; level++) {
      levels.add(new TreeMap<>(BY_MIN_AND_MAX));
    }
  }

  /** Returns a new client of this replica. */
  public ReplicaClient open() {
    return new MemoryReplicaClient(this);
  }

  /** Returns the objects beside the files. */
  public MemoryObjects objects() {
    return objects;
  }

  String location() {
    return location;
  }

  /** Sets by how many operations listings of later changes lag behind; asked once a change. */
  public void delayListings(IntSupplier operations) {
    synchronized (lock) {
      delay = operations;
    }
  }

  /** Lists every change from now on. */
  public void catchUp() {
    synchronized (lock) {
      delay = () -> 0;
      operations = Math.max(operations, 1L << 40) + (1L << 32);
    }
  }

  /** Stores a file, in the place of one of the same name perhaps. */
  public LtxFile put(LtxFileName name, byte[] content, Instant created) {
    synchronized (lock) {
      versions++;
      LtxFile file = new LtxFile(name, content.length, created, "v" + versions);
      files.put(name, new Stored(file, content));
      change(name, Optional.of(file));
      return file;
    }
  }

  /** As {@link #put}, unless the name exists. */
  Optional<LtxFile> putIfAbsent(LtxFileName name, byte[] content, Instant created) {
    synchronized (lock) {
      return files.containsKey(name) ? Optional.empty() : Optional.of(put(name, content, created));
    }
  }

  /** Deletes files; those that are not there count as deleted. */
  public void delete(Collection<LtxFileName> names) {
    synchronized (lock) {
      for (LtxFileName name : names) {
        if (files.remove(name) != null) {
          change(name, Optional.empty());
        }
      }
    }
  }

  private void change(LtxFileName name, Optional<LtxFile> file) {
    operations++;
    Listed listed = levels.get(name.level()).computeIfAbsent(name.range(), range -> new Listed());
    long shownFrom = operations + delay.getAsInt();
    Change last = listed.coming.peekLast();
    listed.coming.add(
        new Change(last == null ? shownFrom : Math.max(shownFrom, last.shownFrom()), file));
  }

  /** Returns what a listing of a level from a min TXID on shows now, without counting as one. */
  public List<LtxFile> listed(int level, Txid from) {
    synchronized (lock) {
      List<LtxFile> shown = new ArrayList<>();
      TxidRange first = new TxidRange(from.equals(Txid.NONE) ? Txid.FIRST : from, Txid.MAX);
      TxidRange start = new TxidRange(first.min(), first.min());
      var rows = levels.get(level).tailMap(start, true).values().iterator();
      while (rows.hasNext()) {
        Listed listed = rows.next();
        Optional<LtxFile> file = listed.at(operations);
        file.ifPresent(shown::add);
        if (file.isEmpty() && listed.coming.isEmpty()) {
          rows.remove();
        }
      }
      return shown;
    }
  }

  /** Returns what listings of all levels show now, without counting as such. */
  public List<LtxFile> listed() {
    List<LtxFile> shown = new ArrayList<>();
    for (int level = 0; level < levels.size(); level++) {
      shown.addAll(listed(level, Txid.FIRST));
    }
    return shown;
  }

  /** Returns the files that there are, listed or not, in no order. */
  public List<LtxFile> files() {
    synchronized (lock) {
      return files.values().stream().map(Stored::file).toList();
    }
  }

  /** Returns the files that there are on a level, listed or not, ascending by min, then max. */
  public List<LtxFile> files(int level) {
    synchronized (lock) {
      return levels.get(level).keySet().stream()
          .map(range -> files.get(new LtxFileName(level, range)))
          .filter(stored -> stored != null)
          .map(Stored::file)
          .toList();
    }
  }

  /** Returns the bytes of the file that has a name now. */
  public Optional<byte[]> content(LtxFileName name) {
    return find(name).map(Stored::content);
  }

  Optional<Stored> find(LtxFileName name) {
    synchronized (lock) {
      return Optional.ofNullable(files.get(name));
    }
  }

  void countList() {
    synchronized (lock) {
      operations++;
      lists++;
    }
  }

  void countGet() {
    synchronized (lock) {
      operations++;
      gets++;
    }
  }

  /** Returns how many listings of a level clients asked for. */
  public long lists() {
    synchronized (lock) {
      return lists;
    }
  }

  /** Returns how many reads, tails and streams clients asked for. */
  public long gets() {
    synchronized (lock) {
      return gets;
    }
  }
}
