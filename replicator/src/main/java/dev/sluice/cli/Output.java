package dev.sluice.cli;

import java.io.BufferedOutputStream;
import java.io.FilterOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;

/**
 * Standard output, buffered. Its failures have a type of their own, because the reader of a pipe
 * may leave at any time and that is no failure of what we do. Confined to one thread at a time.
 */
final class Output extends FilterOutputStream {
  private static final int BUFFER_BYTES = 1 << 16;

  Output(OutputStream out) {
    super(new BufferedOutputStream(out, BUFFER_BYTES));
  }

  @Override
  public void write(int b) throws WriteException {
    try {
      out.write(b);
    } catch (IOException e) {
      throw new WriteException(e);
    }
  }

  @Override
  public void write(byte[] bytes, int offset, int length) throws WriteException {
    try {
      out.write(bytes, offset, length);
    } catch (IOException e) {
      throw new WriteException(e);
    }
  }

  /** Writes the text as UTF-8, whatever the JVM's default is. */
  void print(String text) throws WriteException {
    byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
    write(bytes, 0, bytes.length);
  }

  void println(String text) throws WriteException {
    print(text);
    write('\n');
  }

  @Override
  public void flush() throws WriteException {
    try {
      out.flush();
    } catch (IOException e) {
      throw new WriteException(e);
    }
  }

  /** Standard output takes no more. */
  static final class WriteException extends IOException {
    private static final long serialVersionUID = 1L;

    WriteException(IOException cause) {
      super(cause.getMessage(), cause);
    }
  }
}
