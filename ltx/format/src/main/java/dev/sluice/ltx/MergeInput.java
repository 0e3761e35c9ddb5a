package dev.sluice.ltx;

import java.io.Closeable;
import java.io.IOException;

/**
 * One file of a merge, at one of its frames. Ordered by page, and among frames of one page the
 * newest first. Changes with each frame; confined to one thread at a time.
 */
final class MergeInput implements Comparable<MergeInput>, Closeable {
  private final LtxReader reader;
  private final int age;
  private final long lastKept;

  /**
   * @param age 0 for the newest file, more for each before it
   * @param lastKept the last page of this file that neither it nor a newer file cuts off
   */
  MergeInput(LtxReader reader, int age, long lastKept) {
    this.reader = reader;
    this.age = age;
    this.lastKept = lastKept;
  }

  LtxReader reader() {
    return reader;
  }

  long pgno() {
    return reader.pgno();
  }

  /** Returns whether no newer file has cut off the page of the current frame. */
  boolean isKept() {
    return reader.pgno() <= lastKept;
  }

  /**
   * Moves to the next frame and returns true; or, if there are no more, verifies and closes the
   * file and returns false.
   */
  boolean next() throws IOException {
    if (reader.next()) {
      return true;
    }
    reader.finish();
    reader.close();
    return false;
  }

  @Override
  public int compareTo(MergeInput other) {
    int byPage = Long.compare(pgno(), other.pgno());
    return byPage != 0 ? byPage : Integer.compare(age, other.age);
  }

  @Override
  public void close() throws IOException {
    reader.close();
  }
}
