package dev.sluice.replicator.wal;

import java.nio.ByteOrder;
import java.nio.channels.FileChannel;

/**
 * Frames that follow one another in a file, and what their proof begins with. Immutable, but for
 * the file.
 *
 * @param channel may be read at any position; its own is not used
 * @param offset where in the file the first frame starts
 * @param from the place before the first frame
 * @param pageSize of all frames
 * @param order the byte order in which checksums read the frames
 */
public record FrameRun(
    FileChannel channel, long offset, WalPosition from, int pageSize, ByteOrder order) {

  /** Returns where in the file a frame of the run starts. */
  long offsetOf(long frame) {
    return offset + (frame - from.frame() - 1) * WalFrame.bytes(pageSize);
  }
}
