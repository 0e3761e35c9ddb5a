package dev.sluice.storage.history;

import dev.sluice.ltx.Txid;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;

/**
 * What a database is at each of its TXIDs, as plain arrays: its size, and which TXID wrote each
 * page last. The bytes of a page follow from its number, the TXID that wrote it and the seed, so
 * that a month takes no more memory than its list of writes. TXIDs count from 1 without a gap.
 * Confined to one thread.
 */
public final class PageHistory {
  private static final int COMPRESSIBLE_SHARE = 4;

  private final int pageSize;
  private final long seed;
  private final List<Integer> commits = new ArrayList<>();
  private final List<Writes> pages = new ArrayList<>();

  /** The TXIDs that wrote one page, ascending. */
  private static final class Writes {
    int[] txids = new int[4];
    int count;

    void add(int txid) {
      if (count == txids.length) {
        txids = Arrays.copyOf(txids, count * 2);
      }
      txids[count] = txid;
      count++;
    }

    int lastUpTo(int txid) {
      int at = Arrays.binarySearch(txids, 0, count, txid);
      int index = at >= 0 ? at : -at - 2;
      return index < 0 ? 0 : txids[index];
    }
  }

  /** Makes an empty history; another seed gives other bytes. */
  public PageHistory(int pageSize, long seed) {
    this.pageSize = pageSize;
    this.seed = seed;
  }

  /** Adds the next TXID: the database has {@code commit} pages, and these were written. */
  Txid add(int commit, Iterable<Long> written) {
    int txid = commits.size() + 1;
    int before = commits.isEmpty() ? 0 : commits.get(txid - 2);
    commits.add(commit);
    for (long pgno : written) {
      if (pgno < 1 || pgno > commit) {
        throw new IllegalArgumentException("page " + pgno + " of " + commit);
      }
      while (pages.size() < pgno) {
        pages.add(new Writes());
      }
      pages.get((int) pgno - 1).add(txid);
    }
    for (long pgno = before + 1L; pgno <= commit; pgno++) {
      if (pages.size() < pgno || writer(new Txid(txid), pgno) != txid) {
        throw new IllegalArgumentException("page " + pgno + " came without being written");
      }
    }
    return new Txid(txid);
  }

  /** Returns the newest TXID. */
  public Txid txid() {
    return new Txid(commits.size());
  }

  public int pageSize() {
    return pageSize;
  }

  /** Returns the size of the database in pages. */
  public int commit(Txid txid) {
    return commits.get((int) txid.value() - 1);
  }

  /** Returns the TXID that wrote the version of a page that the database has at {@code txid}. */
  public int writer(Txid txid, long pgno) {
    return pages.get((int) pgno - 1).lastUpTo((int) txid.value());
  }

  /** Returns the bytes of a page at a TXID; a new array. */
  public byte[] page(Txid txid, long pgno) {
    if (pgno < 1 || pgno > commit(txid)) {
      throw new IllegalArgumentException("page " + pgno + " of " + commit(txid));
    }
    return version(writer(txid, pgno), pgno);
  }

  /** Some pages compress well, others not at all. */
  private byte[] version(int writer, long pgno) {
    byte[] page = new byte[pageSize];
    Random random = new Random(seed * 31 + writer * 1_000_003L + pgno * 7_919L);
    byte[] noise = new byte[pageSize >> random.nextInt(COMPRESSIBLE_SHARE)];
    random.nextBytes(noise);
    System.arraycopy(noise, 0, page, 0, noise.length);
    return page;
  }

  /** Says which TXID wrote these bytes as this page, for messages. */
  public String describe(byte[] page, long pgno) {
    for (int writer = 1; writer <= commits.size(); writer++) {
      if (Arrays.equals(page, version(writer, pgno))) {
        return "page " + pgno + " as TXID " + writer + " wrote it";
      }
    }
    return "bytes that page " + pgno + " never had";
  }
}
