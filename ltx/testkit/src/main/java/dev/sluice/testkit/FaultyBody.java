package dev.sluice.testkit;

import dev.sluice.testkit.FaultProxy.Fault;
import java.io.FilterOutputStream;
import java.io.IOException;
import java.io.OutputStream;

/**
 * A response's body on its way to the client, broken where its fault says. Confined to one thread.
 */
final class FaultyBody extends FilterOutputStream {
  private final long breakAt;
  private final long flipAt;
  private long bytes;

  /** Ends the copying of a body at the place where it is to break. */
  static final class Break extends IOException {
    private static final long serialVersionUID = 1L;
  }

  FaultyBody(OutputStream out, Fault fault) {
    super(out);
    breakAt = breakAt(fault);
    flipAt = fault instanceof Fault.Flip flip ? flip.at() : Long.MAX_VALUE;
  }

  private static long breakAt(Fault fault) {
    if (fault instanceof Fault.Reset reset) {
      return reset.afterBytes();
    } else if (fault instanceof Fault.Truncate truncate) {
      return truncate.afterBytes();
    } else if (fault instanceof Fault.Stall stall) {
      return stall.afterBytes();
    }
    return Long.MAX_VALUE;
  }

  /** Returns how many bytes went to the client. */
  long bytes() {
    return bytes;
  }

  @Override
  public void write(int b) throws IOException {
    write(new byte[] {(byte) b}, 0, 1);
  }

  @Override
  public void write(byte[] source, int offset, int length) throws IOException {
    int n = (int) Math.min(length, breakAt - bytes);
    if (flipAt >= bytes && flipAt < bytes + n) {
      byte[] copy = source.clone();
      copy[offset + (int) (flipAt - bytes)] ^= 1;
      out.write(copy, offset, n);
    } else {
      out.write(source, offset, n);
    }
    bytes += n;
    if (n < length) {
      out.flush();
      throw new Break();
    }
  }
}
