package dev.sluice.cache.bulk;

/**
 * Decoded pages of entries that follow each other in a file's page index. Valid while {@link
 * PageSink#take} runs: arrays are used again, and the sink does not write to them. Confined to one
 * thread.
 */
public final class PageRun {
  private final BulkFile file;
  private final int first;
  private final int count;
  private final byte[] pages;
  private final long[] crcs;

  PageRun(BulkFile file, int first, int count, byte[] pages, long[] crcs) {
    this.file = file;
    this.first = first;
    this.count = count;
    this.pages = pages;
    this.crcs = crcs;
  }

  public BulkFile file() {
    return file;
  }

  /** Returns the entry of the first page in the file's index. */
  public int first() {
    return first;
  }

  /** Returns how many pages there are, at least 1. */
  public int count() {
    return count;
  }

  /** Returns the pgno of a page, counted from 0; pgnos ascend and may leave some out. */
  public long pgno(int i) {
    return file.index().pgno(first + i);
  }

  /** Returns the array in which all pages follow each other. */
  public byte[] pages() {
    return pages;
  }

  /** Returns where in {@link #pages} a page starts, counted from 0; page size bytes. */
  public int offset(int i) {
    return i * file.header().pageSize();
  }

  /** Returns CRC-64/ISO of a page, counted from 0. */
  public long crc(int i) {
    return crcs[i];
  }
}
