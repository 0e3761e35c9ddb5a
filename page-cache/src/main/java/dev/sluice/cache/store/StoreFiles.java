package dev.sluice.cache.store;

import java.io.IOException;

/**
 * The files of one store, which grow together by chunks: what is mapped of tags and sums, and the
 * file of the pages, all as long as the shortest needs. Thread-safe.
 */
final class StoreFiles implements AutoCloseable {
  private final Object growth = new Object();
  private final Layout.Files paths;
  private final int pageSize;
  private final StoreReaders readers;
  private final Activity activity;
  private final PageFile pages;
  private final WordFile tags;
  private final WordFile sums;

  /** Opens the files, which are made if they are not there, as far as they say something. */
  StoreFiles(Layout.Files paths, int pageSize, StoreReaders readers, Activity activity)
      throws IOException {
    this.paths = paths;
    this.pageSize = pageSize;
    this.readers = readers;
    this.activity = activity;
    this.pages = new PageFile(paths.pages());
    this.tags = new WordFile(paths.tags());
    this.sums = new WordFile(paths.sums());
    try {
      int chunks = Math.max(tags.fileChunks(), sums.fileChunks()); // all that may say something
      for (int i = 0; i < chunks; i++) {
        growByChunk();
      }
    } catch (IOException | RuntimeException | Error e) {
      close();
      throw e;
    }
  }

  PageFile pages() {
    return pages;
  }

  WordFile tags() {
    return tags;
  }

  WordFile sums() {
    return sums;
  }

  /** Shows the readers in C what there is. */
  void attachReaders() throws IOException {
    readers.attach(paths.pages(), paths.tags(), pageSize);
    readers.grow(tags.chunks());
  }

  /** Returns the greatest pgno for which there is a tag. */
  long capacity() {
    return (long) tags.chunks() << Layout.CHUNK_BITS;
  }

  /** Returns the pgno after the greatest whose bytes are in a file, whether it has a tag or not. */
  long pageEnd() throws IOException {
    long placeBytes = (long) Layout.placePages(pageSize) * pageSize;
    long places = (pages.length() + placeBytes - 1) / placeBytes;
    return 1 + places * Layout.placePages(pageSize);
  }

  /** Sees to it that there is a tag for a page; returns whether there is, after a failure too. */
  boolean growTo(long pgno) {
    synchronized (growth) {
      try {
        while (capacity() < pgno && !activity.isStopped()) {
          growByChunk();
          readers.grow(tags.chunks());
        }
      } catch (IOException e) {
        activity.failed("grow to page " + pgno, e);
      }
      return pgno <= capacity();
    }
  }

  /** Called under the lock of growth, or while nobody else has this. */
  private void growByChunk() throws IOException {
    int chunks = tags.chunks() + 1;
    pages.growTo((long) chunks * Layout.CHUNK_PAGES * pageSize);
    if (sums.chunks() < chunks) {
      sums.grow();
    }
    tags.grow();
  }

  /** Gives the disk back what pages took, which read as zeros then; false if it cannot be done. */
  boolean punch(long first, long last) {
    return readers.punch((first - 1) * pageSize, (last - first + 1) * pageSize);
  }

  /** Has everything reach the disk, pages before tags. */
  void sync() throws IOException {
    pages.sync();
    sums.sync();
    tags.sync();
  }

  /** Idempotent. */
  @Override
  public void close() throws IOException {
    synchronized (growth) {
      pages.close();
      tags.close();
      sums.close();
    }
  }
}
