package dev.sluice.cache.store;

import java.nio.file.Path;
import java.util.Objects;

/**
 * Where what of a page store lies.
 *
 * <pre>
 *   pages   page p at (p - 1) * page size; what is not there is a hole, or what was there before
 *
 *   tags    page p at (p - 1) * 8, native byte order:
 *
 *            63         62       16 15           0
 *           +----------+-----------+--------------+
 *           | withheld | bound     | generation   |
 *           +----------+-----------+--------------+
 *
 *           withheld     1 = the page is not here, though it may be again: more than any view's TXID to readers in C
 *           bound        TXID by which this version of the page was the newest; 0 = the page is not here
 *           generation   another after each change of tag or page
 *
 *   sums    page p at (p - 1) * 8, native byte order; only for Java:
 *
 *            63                       3     2     1     0
 *           +--------------------------+-----------+-------+
 *           | CRC-64/ISO of the page,  | unchecked | proof |
 *           | but for its lowest bits  |           |       |
 *           +--------------------------+-----------+-------+
 *
 *           proof       0 none, 1 the page's file is being read, 2 its file was proven
 *           unchecked   the page was here before a restart, and is again if its CRC is right
 *           of a page that is neither here nor unchecked: 0 = it takes no place in `pages`, 1 = it does;
 *           else it does, and the disk has lost it: by this it is known if it comes again as it was
 *
 *   place   4 KiB of pages, or one page: what the disk gives
 *
 *   chunk   16,384 pages with their tags and sums: how the files grow, always whole
 *   extent  64 KiB of pages, or one page: what is evicted together, under one lock
 * </pre>
 */
final class Layout {
  static final int CHUNK_BITS = 14;
  static final int CHUNK_PAGES = 1 << CHUNK_BITS;
  static final int EXTENT_BYTES = 1 << 16;

  /** What a smaller page takes of the disk, with its neighbours or without them. */
  static final int PLACE_BYTES = 1 << 12;

  static final int CHUNK_WORD_BYTES = CHUNK_PAGES * Long.BYTES;

  /** Above this a TXID does not fit into a tag. */
  static final long BOUND_MAX = (1L << 47) - 1;

  private static final int GENERATION_BITS = 16;
  private static final long GENERATION_MASK = (1L << GENERATION_BITS) - 1;
  private static final long WITHHELD = Long.MIN_VALUE;

  /** The sum of a page that is not here, but takes a place. */
  static final long CLEARED = 1;

  /** How many of the lowest bits of a sum are not of the CRC. */
  static final int SUM_FLAGS = 3;

  private static final long PROOF_MASK = 3;
  private static final long UNCHECKED = 4;
  private static final long CRC_MASK = -8;

  private Layout() {}

  /** The files of one store. */
  record Files(Path pages, Path tags, Path sums) {

    static Files in(Path directory) {
      return in(directory, directory.resolve("pages"));
    }

    Path directoryOfPages() {
      return Objects.requireNonNull(pages.toAbsolutePath().getParent());
    }

    static Files in(Path directory, Path pages) {
      return new Files(pages, directory.resolve("tags"), directory.resolve("sums"));
    }
  }

  /** Returns how many pages there are in an extent. */
  static int extentPages(int pageSize) {
    return Math.max(1, EXTENT_BYTES / pageSize);
  }

  /** Returns how many pages there are in a place. */
  static int placePages(int pageSize) {
    return Math.max(1, PLACE_BYTES / pageSize);
  }

  /** Returns the bound of a page that is here; 0 if it is not. */
  static long bound(long tag) {
    return tag < 0 ? 0 : tag >>> GENERATION_BITS;
  }

  /** Returns the bound of a page that was here before a restart; 0 if the tag does not say it. */
  static long withheldBound(long tag) {
    return tag < 0 ? (tag & ~WITHHELD) >>> GENERATION_BITS : 0;
  }

  /** Returns the tag that follows on another: of a page that was here with this bound. */
  static long withheld(long tag, long bound) {
    return next(tag, bound) | WITHHELD;
  }

  /** Returns the tag that follows on another: of a page with this bound, or of none if it is 0. */
  static long next(long tag, long bound) {
    return (bound << GENERATION_BITS) | ((tag + 1) & GENERATION_MASK);
  }

  static long sum(long crc, Proof proof) {
    return (crc & CRC_MASK) | proof.number;
  }

  /** Returns as much of a page's CRC as a sum holds. */
  static long crc(long sum) {
    return sum & CRC_MASK;
  }

  static Proof proof(long sum) {
    return Proof.of((int) (sum & PROOF_MASK));
  }

  /** Returns whether two sums are of equal pages, as far as a CRC can tell. */
  static boolean isSamePage(long sum, long other) {
    return ((sum ^ other) & CRC_MASK) == 0;
  }

  /** Returns whether it is of a page, here or not, and not only of a place. */
  static boolean isOfPage(long sum) {
    return sum != 0 && sum != CLEARED;
  }

  static boolean isUnchecked(long sum) {
    return (sum & UNCHECKED) != 0;
  }

  /** Returns the sum as of a page that is to be checked; what was not proven then is not. */
  static long unchecked(long sum) {
    Proof proof = proof(sum) == Proof.PROVEN ? Proof.PROVEN : Proof.NONE;
    return sum(sum, proof) | UNCHECKED;
  }

  static long checked(long sum) {
    return sum & ~UNCHECKED;
  }
}
