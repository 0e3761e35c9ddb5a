package dev.sluice.ltx;

import static dev.sluice.ltx.FieldException.require;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/**
 * The last 16 bytes of an LTX file. Immutable.
 *
 * @param postApplyChecksum the database checksum after this file; 0 if the file carries none
 * @param fileChecksum the checksum of all before it, with pages as they are uncompressed; bit 63 is
 *     always set
 */
public record LtxTrailer(long postApplyChecksum, long fileChecksum) {

  // All integers are big-endian.
  //
  //    0                 8                 16
  //   +-----------------+-----------------+
  //   | post-apply sum  | file checksum   |
  //   +-----------------+-----------------+

  /** The size of a trailer. */
  public static final int BYTES = 16;

  static final int AT_FILE_CHECKSUM = 8;

  /**
   * Validates both checksums.
   *
   * @throws IllegalArgumentException if the file checksum, or a post-apply checksum that is there,
   *     lacks bit 63
   */
  public LtxTrailer {
    require(
        postApplyChecksum <= 0,
        0,
        "post-apply checksum " + Long.toHexString(postApplyChecksum) + " lacks bit 63");
    require(
        fileChecksum < 0,
        AT_FILE_CHECKSUM,
        "file checksum " + Long.toHexString(fileChecksum) + " lacks bit 63");
  }

  /**
   * Reads the trailer that starts at the buffer's position, and moves it past the trailer.
   *
   * @param offset where in the file the trailer starts
   * @throws LtxFormatException if fewer than {@link #BYTES} bytes remain, or a field breaks a rule
   */
  public static LtxTrailer parse(ByteBuffer src, long offset, String file)
      throws LtxFormatException {
    if (src.remaining() < BYTES) {
      throw new LtxFormatException(
          file, offset + src.remaining(), "the file ends inside the trailer of 16 bytes");
    }
    ByteBuffer in = src.slice().order(ByteOrder.BIG_ENDIAN);
    src.position(src.position() + BYTES);
    try {
      return new LtxTrailer(in.getLong(), in.getLong());
    } catch (FieldException e) {
      throw e.in(file, offset);
    }
  }

  /**
   * Writes {@link #BYTES} bytes at the buffer's position and moves it past them; the buffer's order
   * does not matter.
   */
  public void write(ByteBuffer dst) {
    ByteBuffer out = dst.slice().order(ByteOrder.BIG_ENDIAN);
    dst.position(dst.position() + BYTES);
    out.putLong(postApplyChecksum).putLong(fileChecksum);
  }

  /**
   * Checks the trailer against the header of its file.
   *
   * @param offset where in the file the trailer starts
   * @throws LtxFormatException if the post-apply checksum is there although the header says there
   *     is none, is missing although it says there is, or is not that of an empty database after a
   *     file that deletes it
   */
  public void requireFits(LtxHeader header, long offset, String file) throws LtxFormatException {
    String given = "post-apply checksum " + Long.toHexString(postApplyChecksum);
    if (header.hasChecksums() == (postApplyChecksum == 0)) {
      throw new LtxFormatException(
          file, offset, given + (header.hasChecksums() ? " is missing" : " where none is allowed"));
    }
    if (header.hasChecksums()
        && header.commit() == 0
        && postApplyChecksum != Checksums.EMPTY_DATABASE) {
      throw new LtxFormatException(
          file, offset, given + " is not that of a database without pages");
    }
  }
}
