package dev.sluice.replicator.spool;

import java.io.BufferedInputStream;
import java.io.BufferedOutputStream;
import java.io.Closeable;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;

/**
 * The checksums of the pages of a cut that does not count yet. Those of a large one wait in a file,
 * so that memory does not grow with it. Confined to one thread at a time.
 */
final class StagedChecksums implements Closeable {
  private static final int IN_MEMORY = 4096;
  private static final int STREAM_BYTES = 64 << 10;

  private final Path overflow;
  private final int[] pgnos = new int[IN_MEMORY];
  private final long[] checksums = new long[IN_MEMORY];
  private int inMemory;
  private long inFile;
  private Optional<DataOutputStream> out = Optional.empty();

  /** Takes a page's checksum. */
  @FunctionalInterface
  interface Taker {
    void take(long pgno, long checksum) throws IOException;
  }

  /**
   * @param overflow where those wait that are too many for memory; deleted by {@link #close}
   */
  StagedChecksums(Path overflow) {
    this.overflow = overflow;
  }

  /** Takes one, in ascending order. */
  void add(long pgno, long checksum) throws IOException {
    if (inMemory == IN_MEMORY) {
      spill();
    }
    pgnos[inMemory] = (int) pgno;
    checksums[inMemory] = checksum;
    inMemory++;
  }

  private void spill() throws IOException {
    try {
      writeOut();
    } catch (IOException e) {
      throw new SpoolException.Unwritable("write " + overflow + ": " + e, e);
    }
  }

  private void writeOut() throws IOException {
    if (out.isEmpty()) {
      out =
          Optional.of(
              new DataOutputStream(
                  new BufferedOutputStream(Files.newOutputStream(overflow), STREAM_BYTES)));
    }
    for (int i = 0; i < inMemory; i++) {
      out.get().writeInt(pgnos[i]);
      out.get().writeLong(checksums[i]);
    }
    inFile += inMemory;
    inMemory = 0;
  }

  /** Gives all in the order in which they came. */
  void forEach(Taker taker) throws IOException {
    if (out.isPresent()) {
      out.get().flush();
      try (DataInputStream in =
          new DataInputStream(
              new BufferedInputStream(Files.newInputStream(overflow), STREAM_BYTES))) {
        for (long i = 0; i < inFile; i++) {
          taker.take(Integer.toUnsignedLong(in.readInt()), in.readLong());
        }
      }
    }
    for (int i = 0; i < inMemory; i++) {
      taker.take(Integer.toUnsignedLong(pgnos[i]), checksums[i]);
    }
  }

  /** Never fails: the cut may count by now. A file that stays goes when the spool is opened. */
  @Override
  @SuppressWarnings("EmptyCatch")
  public void close() {
    if (out.isEmpty()) {
      return;
    }
    try {
      out.get().close();
    } catch (IOException e) {
      // What it held is of no use any more.
    }
    try {
      Files.deleteIfExists(overflow);
    } catch (IOException e) {
      // It is written over by the next.
    }
  }
}
