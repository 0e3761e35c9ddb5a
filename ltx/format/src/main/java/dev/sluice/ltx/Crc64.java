package dev.sluice.ltx;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Objects;

/**
 * CRC-64/ISO: the checksum of LTX files, with the value conventions of Go's {@code crc64.ISO}
 * (reflected, initial value and result complemented, so the CRC of nothing is 0).
 *
 * <p>There are no tables here, because the polynomial {@code x^64 + x^4 + x^3 + x + 1} is sparse
 * and squaring keeps it so: {@code x^(64k) = x^4k + x^3k + x^k + 1} for every power of two k. With
 * k = 64 a word of 64 bits moves 64 words ahead by four plain XORs, 60, 61, 63 and 64 words further
 * on, and neighbouring words do not wait for each other. With k = 8 a word moves 8 words ahead by
 * shifts of whole bytes. The last 8 words go one after the other (k = 1). That is several times as
 * fast as slicing tables and leaves the processor's cache to the pages.
 *
 * <p>In a reflected word bit 63 is {@code x^0}: multiplying by x^n shifts right by n, and what
 * falls out at the bottom belongs to the top of the word before.
 *
 * <p>Confined to one thread at a time; the static methods may be called from any.
 */
public final class Crc64 {
  private static final VarHandle LONG =
      MethodHandles.byteArrayViewVarHandle(long[].class, ByteOrder.LITTLE_ENDIAN);

  /** x^64 modulo the polynomial: bits 63, 62, 60 and 59 are x^0, x^1, x^3 and x^4. */
  private static final long POLYNOMIAL = 0xD800000000000000L;

  /**
   * {@code MULTIPLES[i]} has what a CRC is multiplied by when 2^i bytes follow it, x^(8 * 2^i),
   * times each polynomial of degree below 4: 8 stands for 1, 4 for x, 2 for x^2, 1 for x^3.
   */
  private static final long[][] MULTIPLES = multiples();

  /** Words that the k = 64 step moves by. */
  private static final int FAR = 64;

  /** Words that the k = 8 step moves by. */
  private static final int NEAR = 8;

  /** Words taken at once: 8 KiB, so that input and scratch stay in the first-level cache. */
  private static final int CHUNK_WORDS = 1024;

  /** Zeros before the scratch words, for the first words that look back {@link #FAR} words. */
  private static final int PAD = 4;

  private static final int CHUNK_BYTES = CHUNK_WORDS * Long.BYTES;

  private long state = -1L;
  private long[] scratch = {};
  private byte[] copy = {};

  /** Returns the CRC of one array. */
  public static long of(byte[] bytes) {
    Crc64 crc = new Crc64();
    crc.update(bytes, 0, bytes.length);
    return crc.value();
  }

  /** Returns the CRC of a part of an array. */
  public static long of(byte[] bytes, int offset, int length) {
    Crc64 crc = new Crc64();
    crc.update(bytes, offset, length);
    return crc.value();
  }

  /**
   * Returns the CRC of A followed by B.
   *
   * @param lengthB bytes of B, at least 0
   */
  public static long combine(long crcA, long crcB, long lengthB) {
    if (lengthB < 0) {
      throw new IllegalArgumentException("negative length: " + lengthB);
    }
    long moved = crcA;
    for (long rest = lengthB; rest != 0; rest &= rest - 1) {
      moved = multiply(moved, MULTIPLES[Long.numberOfTrailingZeros(rest)]);
    }
    return moved ^ crcB;
  }

  /** Takes in a part of an array. */
  public void update(byte[] bytes, int offset, int length) {
    Objects.checkFromIndexSize(offset, length, bytes.length);
    int at = offset;
    int end = offset + length;
    long crc = state;
    while (end - at >= Long.BYTES) {
      int words = Math.min((end - at) / Long.BYTES, CHUNK_WORDS);
      crc = words < 2 * NEAR ? serial(crc, bytes, at, words) : folded(crc, bytes, at, words);
      at += words * Long.BYTES;
    }
    for (; at < end; at++) {
      crc = step(crc, bytes[at] & 0xFF, 8);
    }
    state = crc;
  }

  /** Takes in what remains of a buffer and moves its position to its limit. */
  public void update(ByteBuffer bytes) {
    if (bytes.hasArray()) {
      update(bytes.array(), bytes.arrayOffset() + bytes.position(), bytes.remaining());
      bytes.position(bytes.limit());
      return;
    }
    if (copy.length == 0) {
      copy = new byte[CHUNK_BYTES];
    }
    while (bytes.hasRemaining()) {
      int length = Math.min(bytes.remaining(), copy.length);
      bytes.get(copy, 0, length);
      update(copy, 0, length);
    }
  }

  /** Takes in four bytes, as a big-endian number. */
  void updateInt(int value) {
    state = step(state, Integer.reverseBytes(value) & 0xFFFFFFFFL, Integer.SIZE);
  }

  /**
   * Takes in bytes of which only the CRC is known.
   *
   * @param length how many bytes they are, at least 0
   */
  public void append(long crc, long length) {
    state = ~combine(value(), crc, length);
  }

  /** Returns the CRC of all bytes so far; more may follow. */
  public long value() {
    return ~state;
  }

  /** Forgets all bytes so far. */
  public void reset() {
    state = -1L;
  }

  /** Takes in {@code bits} <= 60 bits that stand in the low end of {@code value}. */
  private static long step(long crc, long value, int bits) {
    long sum = crc ^ value;
    return (sum >>> bits) ^ reduce(sum << (Long.SIZE - bits));
  }

  /** Returns {@code overflow * x^64}; its degree must be below 60. */
  private static long reduce(long overflow) {
    return overflow ^ (overflow >>> 1) ^ (overflow >>> 3) ^ (overflow >>> 4);
  }

  /** Returns {@code word * x^64}. */
  private static long stepWord(long word) {
    return reduce(word) ^ reduce((word << 63) ^ (word << 61) ^ (word << 60));
  }

  private static long serial(long crc, byte[] bytes, int at, int words) {
    long sum = crc;
    for (int i = 0; i < words; i++) {
      sum = stepWord(sum ^ (long) LONG.get(bytes, at + i * Long.BYTES));
    }
    return sum;
  }

  private long folded(long crc, byte[] bytes, int at, int words) {
    if (scratch.length < PAD + words) {
      scratch = new long[PAD + words];
    }
    long[] m = scratch;
    int first = Math.max(words - FAR, 0);
    if (first == 0) {
      load(m, bytes, at, words);
      m[PAD] ^= crc;
    } else {
      load(m, bytes, at, Math.min(words, FAR - PAD));
      m[PAD] ^= crc;
      foldFar(m, bytes, at, words);
    }
    foldNear(m, PAD + first, PAD + words);
    long sum = 0;
    for (int j = PAD + words - NEAR; j < PAD + words; j++) {
      sum = stepWord(sum ^ m[j]);
    }
    return sum;
  }

  private static void load(long[] m, byte[] bytes, int at, int words) {
    for (int i = 0; i < words; i++) {
      m[PAD + i] = (long) LONG.get(bytes, at + i * Long.BYTES);
    }
  }

  /**
   * Moves all but the last {@link #FAR} words {@link #FAR} ahead: word i goes to i + 60, i + 61, i
   * + 63 and i + 64.
   */
  private static void foldFar(long[] m, byte[] bytes, int at, int words) {
    int moved = PAD + words - FAR;
    int whole = moved + 60;
    for (int j = FAR; j < whole; j++) {
      long word = (long) LONG.get(bytes, at + (j - PAD) * Long.BYTES);
      m[j] = word ^ m[j - 60] ^ m[j - 61] ^ m[j - 63] ^ m[j - 64];
    }
    // The last four words look back at words that stay where they are, and leave those out.
    for (int j = whole; j < whole + PAD; j++) {
      long word = (long) LONG.get(bytes, at + (j - PAD) * Long.BYTES) ^ m[j - 64];
      word ^= j - 63 < moved ? m[j - 63] : 0;
      word ^= j - 61 < moved ? m[j - 61] : 0;
      m[j] = word;
    }
  }

  /** Moves the words of {@code [from, to)} but the last {@link #NEAR} by {@link #NEAR} words. */
  private static void foldNear(long[] m, int from, int to) {
    for (int i = from; i < to - NEAR; i++) {
      long word = m[i];
      m[i + 7] ^= (word << 56) ^ (word << 40) ^ (word << 32);
      m[i + 8] ^= word ^ (word >>> 8) ^ (word >>> 24) ^ (word >>> 32);
    }
  }

  private static long[][] multiples() {
    long[][] multiples = new long[Long.SIZE - 1][];
    multiples[0] = multiplesOf(1L << 55);
    for (int i = 1; i < multiples.length; i++) {
      long power = multiples[i - 1][8];
      multiples[i] = multiplesOf(multiply(power, multiples[i - 1]));
    }
    return multiples;
  }

  private static long[] multiplesOf(long factor) {
    long[] multiples = new long[16];
    long shifted = factor;
    for (int bit = 8; bit != 0; bit >>>= 1) {
      multiples[bit] = shifted;
      shifted = (shifted >>> 1) ^ (-(shifted & 1) & POLYNOMIAL);
    }
    for (int i = 1; i < multiples.length; i++) {
      int bit = Integer.highestOneBit(i);
      multiples[i] = multiples[bit] ^ multiples[i - bit];
    }
    return multiples;
  }

  /** Multiplies by the factor whose multiples are given, four bits of {@code a} at once. */
  private static long multiply(long a, long[] multiples) {
    long product = 0;
    for (int shift = 0; shift < Long.SIZE; shift += 4) {
      product = (product >>> 4) ^ reduce(product << 60) ^ multiples[(int) (a >>> shift) & 15];
    }
    return product;
  }
}
