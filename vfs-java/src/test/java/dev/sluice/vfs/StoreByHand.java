package dev.sluice.vfs;

import java.io.IOException;
import java.io.RandomAccessFile;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteOrder;
import java.nio.MappedByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.util.Set;
import java.util.function.LongUnaryOperator;

/**
 * A page store of one chunk, written by the letter of its layout, that may leave steps out.
 * Confined to one thread.
 */
final class StoreByHand implements TornReads.Writer, AutoCloseable {
  private static final VarHandle LONG =
      MethodHandles.byteBufferViewVarHandle(long[].class, ByteOrder.nativeOrder());
  private static final int CHUNK_PAGES = 16_384;

  private final RandomAccessFile pages;
  private final MappedByteBuffer tags;
  private final int pageSize;
  private final Set<Step> omitted;

  /** What makes a page appear as one. */
  enum Step {
    ABSENT_BEFORE_THE_BYTES,
    TAG_AFTER_THE_BYTES
  }

  StoreByHand(Path dir, int pageSize, NativeStore readers, Set<Step> omitted) throws IOException {
    this.pageSize = pageSize;
    this.omitted = omitted;
    pages = new RandomAccessFile(dir.resolve("pages").toFile(), "rw");
    pages.setLength((long) CHUNK_PAGES * pageSize);
    try (RandomAccessFile file = new RandomAccessFile(dir.resolve("tags").toFile(), "rw")) {
      int bytes = CHUNK_PAGES * Long.BYTES;
      file.setLength(bytes);
      tags = file.getChannel().map(FileChannel.MapMode.READ_WRITE, 0, bytes);
    }
    readers.attach(dir.resolve("pages"), dir.resolve("tags"), pageSize);
    readers.grow(1);
  }

  private void tag(long pgno, long bound) {
    int at = (int) (pgno - 1) * Long.BYTES;
    long generation = (long) LONG.getAcquire(tags, at) + 1 & 0xffff;
    LONG.setRelease(tags, at, bound << 16 | generation);
  }

  @Override
  public void fill(long pgno, byte[] page, LongUnaryOperator admission) throws IOException {
    long bound = admission.applyAsLong(pgno);
    if (bound == 0) {
      return;
    }
    if (!omitted.contains(Step.ABSENT_BEFORE_THE_BYTES)) {
      tag(pgno, 0);
    }
    VarHandle.storeStoreFence();
    if (omitted.contains(Step.TAG_AFTER_THE_BYTES)) {
      tag(pgno, bound);
    }
    pages.seek((pgno - 1) * pageSize);
    pages.write(page);
    tag(pgno, bound);
  }

  @Override
  public void clear(long pgno) {
    tag(pgno, 0);
  }

  @Override
  public int fillers() {
    return 0;
  }

  @Override
  public void close() throws IOException {
    pages.close();
  }
}
