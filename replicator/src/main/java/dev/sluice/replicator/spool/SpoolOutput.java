package dev.sluice.replicator.spool;

import java.io.IOException;
import java.io.OutputStream;
import java.nio.file.Path;

/** A file that is being cut: what fails here is the spool's disk, not what the pages come from. */
final class SpoolOutput extends OutputStream {
  private final OutputStream out;
  private final Path file;

  SpoolOutput(OutputStream out, Path file) {
    this.out = out;
    this.file = file;
  }

  static SpoolException.Unwritable failure(Path file, IOException cause) {
    return new SpoolException.Unwritable("cut " + file + ": " + cause, cause);
  }

  @Override
  public void write(int b) throws IOException {
    write(new byte[] {(byte) b}, 0, 1);
  }

  @Override
  public void write(byte[] bytes, int offset, int length) throws IOException {
    try {
      out.write(bytes, offset, length);
    } catch (IOException e) {
      throw failure(file, e);
    }
  }

  @Override
  public void flush() throws IOException {
    try {
      out.flush();
    } catch (IOException e) {
      throw failure(file, e);
    }
  }

  /** The file is closed by who opened it. */
  @Override
  public void close() {}
}
