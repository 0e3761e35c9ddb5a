package dev.sluice.cache.restore;

import dev.sluice.cache.Waits;
import dev.sluice.cache.bulk.Stall;
import dev.sluice.storage.Deadline;
import dev.sluice.storage.LtxFile;
import dev.sluice.storage.ReplicaClient;
import dev.sluice.storage.ReplicaException;
import dev.sluice.storage.RequestMeter;
import dev.sluice.storage.Retries;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.InterruptedIOException;
import java.time.Duration;
import java.util.concurrent.CountDownLatch;
import java.util.function.LongConsumer;
import java.util.function.LongSupplier;

/**
 * Whole LTX files as streams that outlive a broken transfer: what is left is read by ranges, which
 * fail if the file is no longer the one that was listed. Confined to one thread at a time.
 */
final class Transfers {
  private static final Duration PAUSE = Duration.ofMillis(200);

  /** How much one request brings of a file whose transfer broke. */
  private static final int RANGE_BYTES = 8 << 20;

  private final ReplicaClient client;
  private final RequestMeter meter;
  private final Retries retries;
  private final Duration stallLimit;
  private final LongSupplier ticker;
  private final CountDownLatch neverClosing = new CountDownLatch(1);

  /**
   * Takes what transfers have in common.
   *
   * @param stallLimit how long in all to wait for the storage without any new byte
   */
  Transfers(
      ReplicaClient client,
      RequestMeter meter,
      Retries retries,
      Duration stallLimit,
      LongSupplier ticker) {
    this.client = client;
    this.meter = meter;
    this.retries = retries;
    this.stallLimit = stallLimit;
    this.ticker = ticker;
  }

  String nameOf(LtxFile file) {
    return client.location(file.name());
  }

  /**
   * Opens a file. Reading fails with a {@link ReplicaException} as the storage refuses, or if it
   * brings nothing new for the stall limit, and with {@link InterruptedIOException} if the thread
   * was interrupted.
   *
   * @param onBytes is told how many bytes of the file were read
   */
  InputStream open(LtxFile file, LongConsumer onBytes) throws IOException {
    Transfer transfer = new Transfer(file, onBytes);
    transfer.begin();
    return transfer;
  }

  /** One file on its way: new bytes end a stall. */
  private final class Transfer extends InputStream {
    private final LtxFile file;
    private final LongConsumer onBytes;
    private final Stall stall = new Stall(stallLimit, ticker);
    private InputStream part = InputStream.nullInputStream();
    private long position;

    Transfer(LtxFile file, LongConsumer onBytes) {
      this.file = file;
      this.onBytes = onBytes;
    }

    void begin() throws IOException {
      meter.beginRound();
      Deadline deadline = stall.deadline();
      stall.beginWait();
      try {
        part = Waits.await(retries.until(deadline, client).open(file), deadline, what());
      } finally {
        stall.endWait();
      }
    }

    private String what() {
      return "restore " + nameOf(file);
    }

    @Override
    public int read() throws IOException {
      byte[] one = new byte[1];
      return read(one, 0, 1) < 0 ? -1 : one[0] & 0xff;
    }

    @Override
    public int read(byte[] dst, int offset, int length) throws IOException {
      while (true) {
        if (Thread.currentThread().isInterrupted()) {
          throw new InterruptedIOException(what() + ": interrupted");
        }
        try {
          int count = awaitBytes(dst, offset, length);
          if (count > 0) {
            position += count;
            stall.reset();
            onBytes.accept(position);
          }
          if (count >= 0 || position >= file.size()) {
            return count;
          }
          nextRange();
        } catch (ReplicaException.Unavailable e) {
          resume(e);
        }
      }
    }

    private int awaitBytes(byte[] dst, int offset, int length) throws IOException {
      stall.beginWait();
      try {
        return part.read(dst, offset, length);
      } finally {
        stall.endWait();
      }
    }

    private void resume(ReplicaException.Unavailable broken) throws IOException {
      InputStream old = part;
      part = InputStream.nullInputStream();
      try {
        old.close();
      } catch (IOException e) {
        broken.addSuppressed(e);
      }
      requirePatience(broken);
      stall.beginWait();
      Waits.pause(PAUSE, stall.deadline(), neverClosing, what());
      stall.endWait();
      requirePatience(broken);
    }

    private void requirePatience(ReplicaException.Unavailable broken) throws ReplicaException {
      if (stall.isOver()) {
        throw broken;
      }
    }

    private void nextRange() throws IOException {
      meter.beginRound();
      int length = (int) Math.min(RANGE_BYTES, file.size() - position);
      Deadline deadline = stall.deadline();
      stall.beginWait();
      try {
        part =
            new ByteArrayInputStream(
                Waits.await(
                    retries.until(deadline, client).read(file, position, length),
                    deadline,
                    what()));
      } finally {
        stall.endWait();
      }
    }

    @Override
    public void close() throws IOException {
      part.close();
    }
  }
}
