package dev.sluice.ltx;

import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;

/**
 * The page index of a file that is being written, encoded as its frames are: 8 to 10 bytes of
 * memory an entry, and nothing is copied as it grows. Grows with each frame; confined to one thread
 * at a time. The pages ascend: whoever adds has checked it.
 */
final class PageIndexBytes {
  private static final int ENTRY_BYTES_MAX = 3 * Varints.MAX_BYTES;
  private static final int CHUNK_BYTES_MIN = 1 << 9;
  private static final int CHUNK_BYTES_MAX = 1 << 16;

  /** Chunks that have no room for another entry; no entry stands in two of them. */
  private final List<ByteBuffer> full = new ArrayList<>();

  private byte[] chunk = new byte[CHUNK_BYTES_MIN];
  private int used;
  private long end = LtxHeader.BYTES;
  private long count;

  /** Adds the frame that starts where the last one ended. */
  void add(long pgno, int frameBytes) {
    if (used > chunk.length - ENTRY_BYTES_MAX) {
      full.add(ByteBuffer.wrap(chunk, 0, used));
      chunk = new byte[Math.min(chunk.length * 2, CHUNK_BYTES_MAX)];
      used = 0;
    }
    used = Varints.write(pgno, chunk, used);
    used = Varints.write(end, chunk, used);
    used = Varints.write(frameBytes, chunk, used);
    end += frameBytes;
    count++;
  }

  /** Returns the number of entries. */
  long count() {
    return count;
  }

  /** Returns the bytes of all entries in order, from position to limit of each buffer. */
  List<ByteBuffer> chunks() {
    List<ByteBuffer> chunks = new ArrayList<>();
    full.forEach(each -> chunks.add(each.duplicate()));
    chunks.add(ByteBuffer.wrap(chunk, 0, used));
    return chunks;
  }

  /** Returns the index itself. */
  PageIndex build() {
    PageIndexBuilder index = new PageIndexBuilder(Math.toIntExact(count));
    for (ByteBuffer entries : chunks()) {
      while (entries.hasRemaining()) {
        long pgno = number(entries);
        number(entries);
        index.add(pgno, (int) number(entries));
      }
    }
    return index.build();
  }

  private static long number(ByteBuffer in) {
    try {
      return Varints.read(in, in.position(), "page index in memory");
    } catch (LtxFormatException e) {
      throw new AssertionError("an index that this class has encoded", e);
    }
  }
}
