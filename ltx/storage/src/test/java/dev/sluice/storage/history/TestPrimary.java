package dev.sluice.storage.history;

import dev.sluice.ltx.LtxHeader;
import dev.sluice.ltx.Txid;
import dev.sluice.ltx.TxidRange;
import dev.sluice.storage.LtxFile;
import dev.sluice.storage.LtxFileName;
import java.time.Duration;
import java.time.Instant;
import java.util.Collection;
import java.util.List;
import java.util.Random;
import java.util.SortedMap;
import java.util.SortedSet;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.stream.LongStream;

/**
 * A primary that writes its history into a {@link MemoryReplica} as Litestream does, by a clock
 * that stands still until it is told: one L0 file a TXID with its place in the WAL, full images,
 * compactions, snapshots. Confined to one thread.
 */
public final class TestPrimary {
  private static final long WAL_HEADER_BYTES = 32;
  private static final long WAL_FRAME_HEADER_BYTES = 24;

  private final MemoryReplica replica;
  private final PageHistory history;
  private Instant now = Instant.parse("2026-11-01T00:00:00Z");
  private int salt = 1;
  private long walOffset = WAL_HEADER_BYTES;

  /** Writes into a replica that is empty. */
  public TestPrimary(MemoryReplica replica, int pageSize, long seed) {
    this.replica = replica;
    this.history = new PageHistory(pageSize, seed);
  }

  /** Returns what the database was at each TXID. */
  public PageHistory history() {
    return history;
  }

  public MemoryReplica replica() {
    return replica;
  }

  public Instant now() {
    return now;
  }

  public void advance(Duration time) {
    now = now.plus(time);
  }

  /** Commits: the database has so many pages now, and these were written. */
  public LtxFile commit(int commit, Collection<Long> written) {
    SortedSet<Long> pgnos = new TreeSet<>(written);
    return store(history.add(commit, pgnos), pgnos);
  }

  /** Commits with some pages written, and stores all of them, as after the WAL was lost. */
  public LtxFile fullImage(int commit, Collection<Long> written) {
    Txid txid = history.add(commit, new TreeSet<>(written));
    beginWal();
    return store(txid, new TreeSet<>(all(commit)));
  }

  /** Begins the WAL anew, as after a checkpoint. */
  public void beginWal() {
    salt++;
    walOffset = WAL_HEADER_BYTES;
  }

  private LtxFile store(Txid txid, SortedSet<Long> pgnos) {
    long walSize = pgnos.size() * (WAL_FRAME_HEADER_BYTES + history.pageSize());
    LtxHeader header =
        new LtxHeader(
            LtxHeader.FLAG_NO_CHECKSUM,
            history.pageSize(),
            history.commit(txid),
            new TxidRange(txid, txid),
            now.toEpochMilli(),
            0,
            walOffset,
            walSize,
            salt,
            ~salt,
            0);
    walOffset += walSize;
    return store(0, new WholeFile(header, pages(txid, pgnos)));
  }

  private LtxFile store(int level, WholeFile file) {
    LtxFileName name = new LtxFileName(level, file.header().range());
    return replica.put(name, file.encode(), Instant.ofEpochMilli(file.header().timestampMillis()));
  }

  private SortedMap<Long, byte[]> pages(Txid txid, Iterable<Long> pgnos) {
    SortedMap<Long, byte[]> pages = new TreeMap<>();
    pgnos.forEach(pgno -> pages.put(pgno, history.page(txid, pgno)));
    return pages;
  }

  /** Returns every pgno of a database of this size. */
  public static List<Long> all(int commit) {
    return LongStream.rangeClosed(1, commit).boxed().toList();
  }

  /** Merges files that are there, in the order of history, into one of a level. */
  public LtxFile compact(int level, List<LtxFile> files) {
    byte[] merged =
        Merger.merge(
            files.stream().map(file -> replica.content(file.name()).orElseThrow()).toList());
    LtxFile last = files.get(files.size() - 1);
    Txid min = files.get(0).name().range().min();
    TxidRange range = new TxidRange(min, last.name().range().max());
    return replica.put(new LtxFileName(level, range), merged, last.created());
  }

  /** Stores all of the database as a snapshot of TXIDs 1 to the newest. */
  public LtxFile snapshot() {
    return snapshot(history.txid());
  }

  /** Stores the database of a TXID as a snapshot. */
  public LtxFile snapshot(Txid txid) {
    int commit = history.commit(txid);
    LtxHeader header =
        LtxHeader.of(
            history.pageSize(), commit, new TxidRange(Txid.FIRST, txid), now.toEpochMilli());
    return store(LtxFileName.SNAPSHOT_LEVEL, new WholeFile(header, pages(txid, all(commit))));
  }

  /**
   * Commits something at random: pages overwritten, a database that grows or shrinks, a full image.
   */
  public LtxFile commitAnything(Random random, int pagesMax) {
    Txid txid = history.txid();
    int before = txid.equals(Txid.NONE) ? 0 : history.commit(txid);
    int kind = random.nextInt(100);
    int commit = before;
    if (before == 0 || kind < 12) {
      commit = Math.min(pagesMax, before + 1 + random.nextInt(8));
    } else if (kind < 22) {
      commit = Math.max(1, before - 1 - random.nextInt(8));
    }
    SortedSet<Long> written = new TreeSet<>();
    for (long pgno = before + 1L; pgno <= commit; pgno++) {
      written.add(pgno);
    }
    int overwritten = random.nextInt(4);
    for (int i = 0; i < overwritten; i++) {
      written.add(1L + random.nextInt(commit));
    }
    if (random.nextInt(10) == 0) {
      beginWal();
    }
    return kind >= 96 ? fullImage(commit, written) : commit(commit, written);
  }
}
