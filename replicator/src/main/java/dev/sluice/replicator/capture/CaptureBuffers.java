package dev.sluice.replicator.capture;

import java.nio.ByteBuffer;
import java.util.ArrayDeque;
import java.util.Deque;

/**
 * Buffers for the capture of many databases: there are as many as capture at the same time, not one
 * for each database. Thread-safe.
 */
public final class CaptureBuffers {
  private static final int BUFFER_BYTES = 1 << 20;

  private final int keptMax;
  private final Deque<ByteBuffer> kept = new ArrayDeque<>();

  /**
   * @param keptMax how many wait for their next use; those beyond are left to the collector
   */
  public CaptureBuffers(int keptMax) {
    this.keptMax = keptMax;
  }

  /** Returns a direct buffer, to be given back. */
  synchronized ByteBuffer take() {
    return kept.isEmpty() ? ByteBuffer.allocateDirect(BUFFER_BYTES) : kept.pop().clear();
  }

  /** Takes back a buffer that nobody uses any more. */
  synchronized void giveBack(ByteBuffer buffer) {
    if (kept.size() < keptMax) {
      kept.push(buffer);
    }
  }
}
