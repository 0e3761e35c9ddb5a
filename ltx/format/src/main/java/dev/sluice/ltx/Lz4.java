package dev.sluice.ltx;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import net.jpountz.lz4.LZ4Compressor;
import net.jpountz.lz4.LZ4Exception;
import net.jpountz.lz4.LZ4Factory;
import net.jpountz.lz4.LZ4SafeDecompressor;
import net.jpountz.xxhash.XXHash32;
import net.jpountz.xxhash.XXHashFactory;

/**
 * LZ4 blocks, and LZ4 frames as far as one page needs them.
 *
 * <p>The blocks are the library's: its native code where it can be loaded, which is 15 times as
 * fast on pages as its Java code, and that where it cannot. The frame around them is read here: the
 * library's frame stream allocates two buffers of the block size that the frame <em>claims</em>, up
 * to 4 MiB each, for every page. Here each block goes straight into the page.
 *
 * <pre>
 *    0        4     5    6     (6 or 14)
 *   +--------+-----+----+--------------+----+-------+------- - -+---------+----------+
 *   | magic  | FLG | BD | content size | HC | block | block ... | 0, 4 B  | checksum |
 *   +--------+-----+----+--------------+----+-------+------- - -+---------+----------+
 *
 *   FLG  01 version | block independence | block checksums | content size | content checksum | 0 | dictionary
 *   block: size, 4 bytes, bit 31 = stored as it is | bytes | checksum, 4 bytes, if FLG says so
 * </pre>
 *
 * <p>Integers are little-endian; checksums are XXH32 with seed 0. Thread-safe.
 */
final class Lz4 {
  private static final LZ4SafeDecompressor DECOMPRESSOR =
      LZ4Factory.fastestInstance().safeDecompressor();
  private static final LZ4Compressor COMPRESSOR = LZ4Factory.fastestInstance().fastCompressor();
  private static final XXHash32 HASH = XXHashFactory.fastestInstance().hash32();

  private static final int MAGIC = 0x184D2204;
  private static final int FLG_VERSION_MASK = 0xC0;
  private static final int FLG_VERSION = 0x40;
  private static final int FLG_BLOCK_CHECKSUM = 0x10;
  private static final int FLG_CONTENT_SIZE = 0x08;
  private static final int FLG_CONTENT_CHECKSUM = 0x04;
  private static final int FLG_UNSUPPORTED = 0x03;
  private static final int BD_RESERVED = 0x8F;
  private static final int BD_MIN = 0x40;
  private static final int BLOCK_STORED = 1 << 31;

  private Lz4() {}

  /** Compresses one page into {@code dst} and returns the length of the block. */
  static int compress(byte[] page, byte[] dst, int dstOffset) {
    return COMPRESSOR.compress(page, 0, page.length, dst, dstOffset);
  }

  /**
   * Decompresses the block of {@code length} bytes at byte {@code at} of a frame into the page and
   * returns its bytes.
   */
  static <X extends IOException> int decodeBlock(
      FrameBytes<X> in, int at, int length, PageSlot page, int from) throws X, LtxFormatException {
    int index = in.require(at, length);
    try {
      return DECOMPRESSOR.decompress(
          in.array(), index, length, page.bytes(), page.offset() + from, page.size() - from);
    } catch (LZ4Exception e) {
      throw in.broken(at, "the LZ4 block of " + length + " bytes is damaged", e);
    }
  }

  /** Decompresses the LZ4 frame at byte {@code at} into the page and returns where it ends. */
  static <X extends IOException> int decodeFrame(FrameBytes<X> in, int at, PageSlot page)
      throws X, LtxFormatException {
    int flg = flags(in, at);
    int next = descriptor(in, at, flg, page);
    int filled = 0;
    for (int size = word(in, next); size != 0; size = word(in, next)) {
      int length = size & ~BLOCK_STORED;
      if (length == 0 || length > PageFrame.maxBlockBytes(page.size())) {
        throw in.broken(next, "an LZ4 block of " + length + " bytes for a page of " + page.size());
      }
      filled +=
          (size & BLOCK_STORED) != 0
              ? copyBlock(in, next + 4, length, page, filled)
              : decodeBlock(in, next + 4, length, page, filled);
      if ((flg & FLG_BLOCK_CHECKSUM) != 0) {
        requireHash(in, next + 4 + length, hash(in, next + 4, length), "LZ4 block");
        next += 4;
      }
      next += 4 + length;
      if (next > PageFrame.maxBytes(page.size())) {
        throw in.broken(next, "an LZ4 frame longer than any of a page of " + page.size());
      }
    }
    if (filled != page.size()) {
      throw in.broken(
          at, "the LZ4 frame holds " + filled + " bytes, not one page of " + page.size());
    }
    requireHash(
        in, next + 4, HASH.hash(page.bytes(), page.offset(), page.size(), 0), "LZ4 content");
    return next + 8;
  }

  private static <X extends IOException> int flags(FrameBytes<X> in, int at)
      throws X, LtxFormatException {
    if (word(in, at) != MAGIC) {
      throw in.broken(at, "no LZ4 frame: magic " + Integer.toHexString(word(in, at)));
    }
    int index = in.require(at + 4, 2);
    int flg = in.array()[index] & 0xFF;
    int bd = in.array()[index + 1] & 0xFF;
    boolean known = (flg & FLG_VERSION_MASK) == FLG_VERSION && (flg & FLG_UNSUPPORTED) == 0;
    if (!known || (flg & FLG_CONTENT_CHECKSUM) == 0) {
      throw in.broken(
          at + 4,
          "an LZ4 frame of a kind that LTX does not use: flags 0x" + Integer.toHexString(flg));
    }
    if ((bd & BD_RESERVED) != 0 || bd < BD_MIN) {
      throw in.broken(at + 5, "invalid LZ4 block descriptor 0x" + Integer.toHexString(bd));
    }
    return flg;
  }

  /** Checks the rest of the descriptor and returns where the first block is. */
  private static <X extends IOException> int descriptor(
      FrameBytes<X> in, int at, int flg, PageSlot page) throws X, LtxFormatException {
    int length = 2;
    if ((flg & FLG_CONTENT_SIZE) != 0) {
      length += Long.BYTES;
      int index = in.require(at + 6, Long.BYTES);
      long size = ByteBuffer.wrap(in.array()).order(ByteOrder.LITTLE_ENDIAN).getLong(index);
      if (size != page.size()) {
        throw in.broken(
            at + 6, "an LZ4 frame of " + size + " bytes, not one page of " + page.size());
      }
    }
    int index = in.require(at + 4, length + 1);
    int stored = in.array()[index + length] & 0xFF;
    if (stored != (HASH.hash(in.array(), index, length, 0) >>> 8 & 0xFF)) {
      throw in.broken(at + 4 + length, "the checksum of the LZ4 frame's descriptor is wrong");
    }
    return at + 4 + length + 1;
  }

  private static <X extends IOException> int copyBlock(
      FrameBytes<X> in, int at, int length, PageSlot page, int from) throws X, LtxFormatException {
    if (length > page.size() - from) {
      throw in.broken(at, "an LZ4 frame of more than one page of " + page.size());
    }
    int index = in.require(at, length);
    System.arraycopy(in.array(), index, page.bytes(), page.offset() + from, length);
    return length;
  }

  private static <X extends IOException> int hash(FrameBytes<X> in, int at, int length) throws X {
    int index = in.require(at, length);
    return HASH.hash(in.array(), index, length, 0);
  }

  private static <X extends IOException> void requireHash(
      FrameBytes<X> in, int at, int hash, String what) throws X, LtxFormatException {
    if (word(in, at) != hash) {
      throw in.broken(at, "the " + what + " checksum is wrong");
    }
  }

  private static <X extends IOException> int word(FrameBytes<X> in, int at) throws X {
    int index = in.require(at, Integer.BYTES);
    return ByteBuffer.wrap(in.array()).order(ByteOrder.LITTLE_ENDIAN).getInt(index);
  }
}
