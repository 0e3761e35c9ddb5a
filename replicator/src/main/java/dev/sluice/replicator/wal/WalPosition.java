package dev.sluice.replicator.wal;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * A place between two frames of a WAL, with the proof of all that stands before it: the running
 * checksum covers the header and every frame up to here. Immutable.
 *
 * @param salts the generation
 * @param frame the last frame before the place, 0 to 4294967295; the first frame is 1, so 0 is
 *     right after the header
 * @param checksum the running checksum after that frame: checksum-1 in the high half, checksum-2 in
 *     the low one
 */
public record WalPosition(WalSalts salts, long frame, long checksum) {

  // All integers are big-endian.
  //
  //    0        4        8        12         16         20
  //   +--------+--------+--------+----------+----------+
  //   | salt-1 | salt-2 | frame  | checksum1| checksum2|
  //   +--------+--------+--------+----------+----------+

  /** The size of the binary form. */
  public static final int BYTES = 20;

  /** The greatest frame number there can be. */
  public static final long FRAME_MAX = 0xFFFFFFFFL;

  private static final Pattern TEXT =
      Pattern.compile("([0-9a-f]{8})-([0-9a-f]{8})/([0-9]{1,10})/([0-9a-f]{16})");

  public WalPosition {
    if (frame < 0 || frame > FRAME_MAX) {
      throw new IllegalArgumentException("frame " + frame + " is not in 0..4294967295");
    }
  }

  /** Reads the binary form at the buffer's position, and moves it past {@link #BYTES} bytes. */
  public static WalPosition read(ByteBuffer src) {
    ByteBuffer in = src.slice().order(ByteOrder.BIG_ENDIAN);
    src.position(src.position() + BYTES);
    return new WalPosition(
        new WalSalts(in.getInt(), in.getInt()), Integer.toUnsignedLong(in.getInt()), in.getLong());
  }

  /**
   * Writes {@link #BYTES} bytes at the buffer's position and moves it past them; the buffer's order
   * does not matter.
   */
  public void write(ByteBuffer dst) {
    ByteBuffer out = dst.slice().order(ByteOrder.BIG_ENDIAN);
    dst.position(dst.position() + BYTES);
    out.putInt(salts.salt1()).putInt(salts.salt2()).putInt((int) frame).putLong(checksum);
  }

  /**
   * Returns the position that {@link #toString} wrote.
   *
   * @throws IllegalArgumentException if the text is anything else; the message quotes it
   */
  public static WalPosition parse(String text) {
    Matcher matcher = TEXT.matcher(text);
    if (!matcher.matches()) {
      throw new IllegalArgumentException(
          "not a WAL position (salt1-salt2/frame/checksum): \"" + text + "\"");
    }
    WalSalts salts =
        new WalSalts(
            Integer.parseUnsignedInt(matcher.group(1), 16),
            Integer.parseUnsignedInt(matcher.group(2), 16));
    return new WalPosition(
        salts, Long.parseLong(matcher.group(3)), Long.parseUnsignedLong(matcher.group(4), 16));
  }

  /**
   * Returns salts, frame and checksum: {@code 1f8cc3f5-65f9a600/1234/0123456789abcdef}, the frame
   * in decimal.
   */
  @Override
  public String toString() {
    return salts
        + "/"
        + frame
        + "/"
        + Hex.word((int) (checksum >>> Integer.SIZE))
        + Hex.word((int) checksum);
  }
}
