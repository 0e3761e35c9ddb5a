package dev.sluice.storage;

import java.io.FilterOutputStream;
import java.io.IOException;
import java.io.OutputStream;

/** Writes to another stream, and tells what that took. Confined to one thread at a time. */
final class ToldOutput extends FilterOutputStream {
  private final ReplicaClient.Progress progress;

  ToldOutput(OutputStream out, ReplicaClient.Progress progress) {
    super(out);
    this.progress = progress;
  }

  @Override
  public void write(int b) throws IOException {
    out.write(b);
    progress.took(1);
  }

  @Override
  public void write(byte[] src, int offset, int length) throws IOException {
    out.write(src, offset, length);
    progress.took(length);
  }
}
