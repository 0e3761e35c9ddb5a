package dev.sluice.cache;

import dev.sluice.ltx.LtxEncoder;
import dev.sluice.ltx.LtxHeader;
import dev.sluice.ltx.PageIndex;
import dev.sluice.ltx.Txid;
import dev.sluice.ltx.TxidRange;
import dev.sluice.storage.RequestMeter;
import dev.sluice.storage.history.MemoryReplica;
import java.io.IOException;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.random.RandomGenerator;

/**
 * A history of a few pages, and the views of it, without a storage: remembers which TXID changed a
 * page last, and what a page holds follows from both. One file a TXID. Confined to one thread at a
 * time; what it returns is immutable.
 */
final class StoredHistory {
  static final int PAGE_SIZE = 512;
  private static final byte[] PAGE_ONE = new byte[PAGE_SIZE];

  /** No two files have a number in common, of whatever history: a cache may serve them all. */
  private static final AtomicInteger FILES = new AtomicInteger();

  /** Which pages there are is all that an index says of small files. */
  private static final ConcurrentHashMap<Long, PageIndex> INDEXES = new ConcurrentHashMap<>();

  private final int pagesMax;
  private final List<Version> versions = new ArrayList<>();

  /**
   * The state of one TXID.
   *
   * @param changed for each pgno the TXID that changed it last; 0 where there is no page
   */
  @SuppressWarnings("ArrayRecordComponent") // compared by nobody
  record Version(View view, long[] changed, PageMap.Change file) {

    long txid() {
      return view.txid().value();
    }

    byte[] page(long pgno) {
      return StoredHistory.page(pgno, changed[(int) pgno]);
    }
  }

  /** Begins at TXID 1 with all pages; at most 62. */
  StoredHistory(int pagesMax) throws IOException {
    this.pagesMax = pagesMax;
    long[] changed = new long[pagesMax + 1];
    for (int pgno = 1; pgno <= pagesMax; pgno++) {
      changed[pgno] = 1;
    }
    PageMap.Change file = file(1, pagesMax, changed);
    versions.add(new Version(view(file, PageMap.EMPTY.apply(List.of(file))), changed, file));
  }

  private static PageMap.Change file(long txid, int commit, long[] changed) {
    long pages = 0;
    for (int pgno = 1; pgno <= commit; pgno++) {
      pages |= changed[pgno] == txid ? 1L << pgno : 0;
    }
    PageIndex index = INDEXES.computeIfAbsent(pages, StoredHistory::index);
    return new PageMap.Change(FILES.incrementAndGet(), new Txid(txid), index, commit);
  }

  private static PageIndex index(long pages) {
    int last = Long.SIZE - 1 - Long.numberOfLeadingZeros(pages | 2);
    try (LtxEncoder encoder = new LtxEncoder(OutputStream.nullOutputStream(), header(2, last))) {
      for (int pgno = 1; pgno <= last; pgno++) {
        if ((pages & 1L << pgno) != 0) {
          encoder.page(pgno, PAGE_ONE);
        }
      }
      encoder.finish();
      return encoder.index();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static LtxHeader header(long txid, long commit) {
    return LtxHeader.of(PAGE_SIZE, commit, new TxidRange(new Txid(txid), new Txid(txid)), txid);
  }

  private static View view(PageMap.Change newest, PageMap pages) {
    LtxHeader header = header(newest.bound().value(), newest.commit());
    return new View(header, pages, Instant.EPOCH, PAGE_ONE);
  }

  List<Version> versions() {
    return versions;
  }

  Version newest() {
    return versions.get(versions.size() - 1);
  }

  /** Returns the state of a TXID. */
  Version at(long txid) {
    return versions.get((int) txid - 1);
  }

  /** Goes on by a TXID: some pages change, sometimes the last ones go or come. */
  Version commit(RandomGenerator random) throws IOException {
    Version before = newest();
    long txid = before.txid() + 1;
    int commit = (int) before.view().commit();
    if (random.nextInt(4) == 0) {
      commit = 1 + random.nextInt(pagesMax);
    }
    long[] changed = new long[pagesMax + 1];
    for (int pgno = 1; pgno <= commit; pgno++) {
      boolean isChanged = before.changed()[pgno] == 0 || random.nextInt(3) == 0;
      changed[pgno] = isChanged ? txid : before.changed()[pgno];
    }
    PageMap.Change file = file(txid, commit, changed);
    View view = view(file, before.view().pages().apply(List.of(file)));
    Version version = new Version(view.following(before.view(), 0), changed, file);
    versions.add(version);
    return version;
  }

  /** Returns the view of a version as somebody opens it by its TXID: not by following. */
  View opened(Version version) throws ViewException {
    List<PageMap.Change> files =
        versions.subList(0, (int) version.txid()).stream().map(Version::file).toList();
    return view(version.file(), PageMap.EMPTY.apply(files));
  }

  /** Returns what stored pages work with, of which only the cache is asked. */
  static Source source(FrameCache cache) {
    return new Source(
        new MemoryReplica("memory:stored").open(),
        new RequestMeter(),
        new FileTable(),
        cache,
        new Fingerprints());
  }

  /** Returns what a page holds since the TXID that changed it. */
  static byte[] page(long pgno, long changed) {
    byte[] page = new byte[PAGE_SIZE];
    ByteBuffer words = ByteBuffer.wrap(page);
    for (int i = 0; i < PAGE_SIZE / Long.BYTES; i++) {
      words.putLong((changed << 20) + (pgno << 8) + i);
    }
    return page;
  }

  /** Returns which TXID changed a page that holds these bytes. */
  static long changed(byte[] page) {
    return ByteBuffer.wrap(page).getLong() >>> 20;
  }
}
