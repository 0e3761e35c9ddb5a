package dev.sluice.storage.s3;

import dev.sluice.storage.ReplicaException;
import java.io.IOException;
import java.io.InputStream;
import java.io.InterruptedIOException;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.Objects;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;
import org.reactivestreams.Subscriber;
import org.reactivestreams.Subscription;

/**
 * A body on its way to a reader that may be slower than the network: a few buffers wait, then the
 * connection waits. Unlike the SDK's blocking stream it gives up on a transfer that stalls.
 *
 * <p>Reading is confined to one thread at a time; {@link #close} may be called by any thread at any
 * time, and wakes the reader.
 */
final class S3Stream extends InputStream implements Subscriber<ByteBuffer> {
  private static final int BUFFERS_AHEAD = 8;
  private static final ByteBuffer END = ByteBuffer.allocate(0);

  private final long length;
  private final Duration stallLimit;
  private final S3Failures failures;
  private final S3Operation operation;
  private final BlockingQueue<ByteBuffer> arrived = new LinkedBlockingQueue<>();
  private final CompletableFuture<Long> ended = new CompletableFuture<>();

  private volatile @Nullable Subscription subscription;
  private final AtomicReference<@Nullable Throwable> failure = new AtomicReference<>();
  private volatile @Nullable Runnable abort;
  private volatile boolean isAborted;
  private volatile boolean isClosed;

  private ByteBuffer rest = ByteBuffer.allocate(0);
  private boolean isAtEnd;
  private long position;

  /**
   * @param length the bytes that must come
   * @param stallLimit how long the reader waits for the next of them
   */
  S3Stream(long length, Duration stallLimit, S3Failures failures, S3Operation operation) {
    this.length = length;
    this.stallLimit = stallLimit;
    this.failures = failures;
    this.operation = operation;
  }

  long length() {
    return length;
  }

  /** Returns the end of the transfer: its length, or why it broke. */
  CompletableFuture<Long> ended() {
    return ended;
  }

  /** Says how the transfer is ended before its end; done at once if it is to end already. */
  void abortBy(Runnable given) {
    abort = given;
    if (isAborted) {
      given.run();
    }
  }

  @Override
  public void onSubscribe(Subscription given) {
    subscription = given;
    if (isAborted) {
      given.cancel();
    } else {
      given.request(BUFFERS_AHEAD);
    }
  }

  @Override
  public void onNext(ByteBuffer bytes) {
    if (isClosed) {
      return;
    }
    if (bytes.hasRemaining()) {
      arrived.add(bytes);
    } else {
      requestOne();
    }
  }

  @Override
  public void onError(Throwable thrown) {
    // The first is the reason; what an abort makes of it comes after.
    failure.compareAndSet(null, thrown);
    arrived.add(END);
    ended.completeExceptionally(thrown);
  }

  @Override
  public void onComplete() {
    arrived.add(END);
    ended.complete(length);
  }

  @Override
  public int read() throws IOException {
    byte[] one = new byte[1];
    return read(one, 0, 1) < 0 ? -1 : one[0] & 0xff;
  }

  @Override
  public int read(byte[] dst, int offset, int count) throws IOException {
    Objects.checkFromIndexSize(offset, count, dst.length);
    if (count == 0) {
      return 0;
    }
    if (!rest.hasRemaining() && !fill()) {
      return -1;
    }
    int n = Math.min(count, rest.remaining());
    rest.get(dst, offset, n);
    position += n;
    return n;
  }

  /** Waits for the next buffer; returns whether there is one. */
  @SuppressWarnings("ReferenceEquality") // END is a mark, not a content
  private boolean fill() throws IOException {
    if (isClosed) {
      throw new IOException(operation.text() + ": the stream is closed");
    }
    if (isAtEnd) {
      return false;
    }
    ByteBuffer next = take();
    if (next == END) {
      checkEnd();
      isAtEnd = true;
      return false;
    }
    rest = next;
    requestOne();
    return true;
  }

  private ByteBuffer take() throws IOException {
    try {
      ByteBuffer next = arrived.poll(stallLimit.toNanos(), TimeUnit.NANOSECONDS);
      if (next == null) {
        cancel();
        throw broken("no byte for " + stallLimit, new IOException("stalled"));
      }
      return next;
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      cancel();
      throw new InterruptedIOException(operation.text() + ": interrupted");
    }
  }

  private void checkEnd() throws IOException {
    Throwable thrown = failure.get();
    if (isClosed) {
      throw new IOException(operation.text() + ": the stream is closed");
    } else if (thrown != null) {
      ReplicaException known = failures.of(operation, thrown);
      throw known;
    } else if (position != length) {
      throw broken(
          "ended at " + position + " of " + length + " bytes", new IOException("truncated"));
    }
  }

  private ReplicaException broken(String why, Throwable cause) {
    return failures.withoutAnswer(operation, why, cause);
  }

  private void requestOne() {
    Subscription open = subscription;
    if (open != null) {
      open.request(1);
    }
  }

  /**
   * Cancelling the subscription alone is noticed only when the next byte comes, which it may never
   * do.
   */
  private void cancel() {
    isAborted = true;
    Subscription open = subscription;
    if (open != null) {
      open.cancel();
    }
    Runnable given = abort;
    if (given != null) {
      given.run();
    }
  }

  /** Ends the transfer, wherever it is. Idempotent. */
  @Override
  public void close() {
    if (isClosed) {
      return;
    }
    isClosed = true;
    cancel();
    arrived.clear();
    arrived.add(END);
  }
}
