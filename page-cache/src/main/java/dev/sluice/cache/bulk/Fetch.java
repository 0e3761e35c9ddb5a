package dev.sluice.cache.bulk;

import dev.sluice.storage.LtxFile;
import java.io.IOException;

/**
 * Bytes of a file on their way: with one request, or piece by piece from where it broke. Confined
 * to one thread at a time.
 */
final class Fetch {
  private final LtxFile file;
  private final long offset;
  private final int length;
  private final Receiver receiver;
  private byte[] bytes = {};
  private int position;
  private int pieceBytesMax = Integer.MAX_VALUE;

  /** Hears of the bytes, on the reading thread. */
  interface Receiver {

    /** So many new bytes have come. */
    void arrived(int count) throws IOException;

    /** All have come; the receiver owns the array. */
    void received(byte[] all) throws IOException;
  }

  Fetch(LtxFile file, long offset, int length, Receiver receiver) {
    this.file = file;
    this.offset = offset;
    this.length = length;
    this.receiver = receiver;
  }

  LtxFile file() {
    return file;
  }

  /** Returns where in the file the next piece starts. */
  long pieceOffset() {
    return offset + position;
  }

  /** Returns how many bytes the next piece has, at most {@code bytesMax}. */
  int pieceBytes(int bytesMax) {
    return Math.min(Math.min(bytesMax, pieceBytesMax), length - position);
  }

  boolean isDone() {
    return position == length;
  }

  /** Has the next pieces be no longer than that. */
  void breakInto(int bytesMax) {
    pieceBytesMax = bytesMax;
  }

  /** Takes a piece over. */
  void take(byte[] piece) throws IOException {
    if (piece.length == length) {
      bytes = piece;
    } else {
      bytes = bytes.length == 0 ? new byte[length] : bytes;
      System.arraycopy(piece, 0, bytes, position, piece.length);
    }
    position += piece.length;
    receiver.arrived(piece.length);
    if (isDone()) {
      receiver.received(bytes);
    }
  }
}
