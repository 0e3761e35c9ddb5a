package dev.sluice.ltx;

/**
 * What frames that follow each other add to the checksums of their file. Sums of neighbours make
 * the sum of both, whoever decoded them and when. Immutable.
 *
 * @param count how many frames
 * @param crc CRC-64/ISO of the frames as the file checksum sees them: headers as they are, pages
 *     uncompressed
 * @param bytes how many bytes that is
 * @param databaseChecksum the XOR of the page checksums, 0 where the file proves none
 */
public record FrameSum(int count, long crc, long bytes, long databaseChecksum) {

  /** The sum of no frames. */
  public static final FrameSum NONE = new FrameSum(0, 0, 0, 0);

  /** Returns the sum of these frames and those that follow them in the file. */
  public FrameSum then(FrameSum next) {
    return new FrameSum(
        count + next.count,
        Crc64.combine(crc, next.crc, next.bytes),
        bytes + next.bytes,
        databaseChecksum ^ next.databaseChecksum);
  }
}
