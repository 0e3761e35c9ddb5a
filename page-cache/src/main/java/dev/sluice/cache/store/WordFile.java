package dev.sluice.cache.store;

import java.io.IOException;
import java.io.RandomAccessFile;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.MappedByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;

/**
 * A mapped file of one long a page, which grows by chunks and never shrinks.
 *
 * <p>What is mapped was written before: a full disk is then an error at growth, and not a signal at
 * a store through the mapping. Thread-safe, but for {@link #grow}, which one thread calls at a
 * time.
 */
final class WordFile implements AutoCloseable {
  private static final VarHandle LONG =
      MethodHandles.byteBufferViewVarHandle(long[].class, ByteOrder.nativeOrder());

  private final RandomAccessFile file;
  private volatile MappedByteBuffer[] chunks = {};

  WordFile(Path path) throws IOException {
    file = new RandomAccessFile(path.toFile(), "rw");
  }

  /** Returns how many chunks the file has, whether they are mapped or not. */
  int fileChunks() throws IOException {
    return (int) (file.length() / Layout.CHUNK_WORD_BYTES);
  }

  int chunks() {
    return chunks.length;
  }

  /** Maps one chunk more; where the file ends before, of zeros. */
  void grow() throws IOException {
    MappedByteBuffer[] before = chunks;
    long at = (long) before.length * Layout.CHUNK_WORD_BYTES;
    if (file.length() < at + Layout.CHUNK_WORD_BYTES) {
      file.seek(at);
      file.write(new byte[Layout.CHUNK_WORD_BYTES]);
    }
    MappedByteBuffer[] after = Arrays.copyOf(before, before.length + 1);
    after[before.length] = mapped(at);
    after[before.length].order(ByteOrder.nativeOrder());
    chunks = after;
  }

  /**
   * Maps a chunk on a thread of its own: if the caller's were interrupted meanwhile, that would
   * close the file.
   */
  private MappedByteBuffer mapped(long at) throws IOException {
    FutureTask<MappedByteBuffer> mapping =
        new FutureTask<>(
            () ->
                file.getChannel().map(FileChannel.MapMode.READ_WRITE, at, Layout.CHUNK_WORD_BYTES));
    Thread thread = new Thread(mapping, "store-map");
    thread.setDaemon(true);
    boolean isInterrupted = false;
    try {
      thread.start();
      while (true) {
        try {
          return mapping.get();
        } catch (InterruptedException e) {
          isInterrupted = true; // a mapping does not take long
        }
      }
    } catch (ExecutionException | OutOfMemoryError e) {
      throw new IOException("map " + Layout.CHUNK_WORD_BYTES + " bytes at " + at + ": " + e, e);
    } finally {
      if (isInterrupted) {
        Thread.currentThread().interrupt();
      }
    }
  }

  /** Returns the word of a page that is in a mapped chunk, with what was written before it. */
  long getAcquire(long pgno) {
    return (long) LONG.getAcquire(chunk(pgno), at(pgno));
  }

  /** Sets the word of a page that is in a mapped chunk, after all that was written before. */
  void setRelease(long pgno, long word) {
    LONG.setRelease(chunk(pgno), at(pgno), word);
  }

  private ByteBuffer chunk(long pgno) {
    return chunks[(int) ((pgno - 1) >>> Layout.CHUNK_BITS)];
  }

  private static int at(long pgno) {
    return ((int) (pgno - 1) & (Layout.CHUNK_PAGES - 1)) * Long.BYTES;
  }

  void sync() throws IOException {
    for (MappedByteBuffer chunk : chunks) {
      chunk.force();
    }
    file.getFD().sync();
  }

  /** Closes the file; the mapping stays until nobody uses it. */
  @Override
  public void close() throws IOException {
    file.close();
  }
}
