package dev.sluice.replicator.spool;

import java.io.FileOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.file.Path;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.Executor;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;

/**
 * A file that is being cut: what fails here is the spool's disk, not what the pages come from.
 *
 * <p>Buffered. Of a large file one buffer is written, on a thread that there is as long as the file
 * is open, while the next is filled: compressing and writing an image take about as long. Confined
 * to one thread at a time.
 */
final class SpoolOutput extends OutputStream {
  private static final int BUFFER_BYTES = 256 << 10;
  private static final long LARGE_BYTES = 16 << 20;

  private final FileOutputStream out;
  private final Path file;
  private byte[] filling = new byte[BUFFER_BYTES];
  private int filled;
  private long written;
  private byte[] spare = new byte[0];
  private Optional<ExecutorService> writer = Optional.empty();
  private CompletableFuture<Void> writing = CompletableFuture.completedFuture(null);

  SpoolOutput(FileOutputStream out, Path file) {
    this.out = out;
    this.file = file;
  }

  /** Opens a file that is empty then. */
  static SpoolOutput create(Path file) throws SpoolException {
    try {
      return new SpoolOutput(new FileOutputStream(file.toFile()), file);
    } catch (IOException e) {
      throw failure(file, e);
    }
  }

  private static SpoolException.Unwritable failure(Path file, IOException cause) {
    return new SpoolException.Unwritable("cut " + file + ": " + cause, cause);
  }

  @Override
  public void write(int b) throws IOException {
    write(new byte[] {(byte) b}, 0, 1);
  }

  @Override
  public void write(byte[] bytes, int offset, int length) throws IOException {
    for (int done = 0; done < length; ) {
      if (filled == filling.length) {
        flush();
      }
      int n = Math.min(length - done, filling.length - filled);
      System.arraycopy(bytes, offset + done, filling, filled, n);
      filled += n;
      done += n;
    }
  }

  /** Has what was written go to the file; in a large one that may be done only later. */
  @Override
  public void flush() throws IOException {
    int length = filled;
    byte[] full = filling;
    if (length == 0) {
      return;
    }
    awaitWritten();
    filled = 0;
    written += length;
    if (written < LARGE_BYTES) {
      writing = CompletableFuture.runAsync(() -> writeOut(full, length), Runnable::run);
      awaitWritten();
    } else {
      filling = spare.length > 0 ? spare : new byte[BUFFER_BYTES];
      spare = full;
      writing = CompletableFuture.runAsync(() -> writeOut(full, length), writer());
    }
  }

  private Executor writer() {
    ExecutorService thread = writer.orElseGet(SpoolOutput::newWriter);
    writer = Optional.of(thread);
    return thread;
  }

  private static ExecutorService newWriter() {
    return Executors.newSingleThreadExecutor(
        work -> {
          Thread thread = new Thread(work, "sluice-cut");
          thread.setDaemon(true);
          return thread;
        });
  }

  private void writeOut(byte[] bytes, int length) {
    try {
      out.write(bytes, 0, length);
    } catch (IOException e) {
      throw new CompletionException(failure(file, e));
    }
  }

  private void awaitWritten() throws IOException {
    try {
      writing.join();
    } catch (CompletionException e) {
      if (e.getCause() instanceof IOException failure) {
        throw failure;
      }
      throw e;
    }
  }

  /** Returns when all that was written is on the disk. */
  void sync() throws IOException {
    flush();
    awaitWritten();
    try {
      out.getFD().sync();
    } catch (IOException e) {
      throw failure(file, e);
    }
  }

  /** Without {@link #sync} not all may be in the file. Idempotent. */
  @Override
  @SuppressWarnings("EmptyCatch")
  public void close() throws IOException {
    try {
      awaitWritten();
    } catch (IOException | CompletionException e) {
      // Whoever wanted it on the disk was told.
    }
    writer.ifPresent(ExecutorService::shutdown);
    try {
      out.close();
    } catch (IOException e) {
      throw failure(file, e);
    }
  }
}
