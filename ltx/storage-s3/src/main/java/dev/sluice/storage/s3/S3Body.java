package dev.sluice.storage.s3;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;
import org.reactivestreams.Subscriber;
import org.reactivestreams.Subscription;
import software.amazon.awssdk.core.async.AsyncResponseTransformer;
import software.amazon.awssdk.core.async.SdkPublisher;
import software.amazon.awssdk.services.s3.model.GetObjectResponse;

/**
 * Collects a small body in one array of exactly its length, and gives up before the first byte if
 * the answer is longer than asked for: a server that ignores Range must not fill the memory.
 * Confined to the SDK's calls, one after another.
 */
final class S3Body implements AsyncResponseTransformer<GetObjectResponse, S3Body.Whole> {
  private final int bytesMax;
  private CompletableFuture<Whole> result = new CompletableFuture<>();
  private @Nullable GetObjectResponse response;

  /** An answer's head and its complete body. The receiver owns the array. */
  @SuppressWarnings("ArrayRecordComponent") // handed on, never compared
  record Whole(GetObjectResponse head, byte[] bytes) {}

  S3Body(int bytesMax) {
    this.bytesMax = bytesMax;
  }

  @Override
  public CompletableFuture<Whole> prepare() {
    result = new CompletableFuture<>();
    return result;
  }

  @Override
  public void onResponse(GetObjectResponse head) {
    response = head;
  }

  @Override
  public void onStream(SdkPublisher<ByteBuffer> publisher) {
    GetObjectResponse head = response;
    if (head == null || head.contentLength() == null) {
      publisher.subscribe(new Refuser());
      result.completeExceptionally(new IOException("answer without Content-Length"));
    } else if (head.contentLength() > bytesMax) {
      publisher.subscribe(new Refuser());
      result.completeExceptionally(
          new IOException(
              "answer of "
                  + head.contentLength()
                  + " bytes where at most "
                  + bytesMax
                  + " were asked for"));
    } else {
      publisher.subscribe(new Collector(head, result));
    }
  }

  @Override
  public void exceptionOccurred(Throwable failure) {
    result.completeExceptionally(failure);
  }

  /** Cancels what it is given. */
  private static final class Refuser implements Subscriber<ByteBuffer> {
    @Override
    public void onSubscribe(Subscription subscription) {
      subscription.cancel();
    }

    @Override
    public void onNext(ByteBuffer bytes) {}

    @Override
    public void onError(Throwable failure) {}

    @Override
    public void onComplete() {}
  }

  private static final class Collector implements Subscriber<ByteBuffer> {
    private final GetObjectResponse head;
    private final CompletableFuture<Whole> result;
    private final byte[] bytes;
    private int count;

    Collector(GetObjectResponse head, CompletableFuture<Whole> result) {
      this.head = head;
      this.result = result;
      this.bytes = new byte[Math.toIntExact(head.contentLength())];
    }

    @Override
    public void onSubscribe(Subscription subscription) {
      subscription.request(Long.MAX_VALUE);
    }

    @Override
    public void onNext(ByteBuffer next) {
      int n = next.remaining();
      if (n <= bytes.length - count) {
        next.get(bytes, count, n);
      }
      count += n;
    }

    @Override
    public void onError(Throwable failure) {
      result.completeExceptionally(failure);
    }

    @Override
    public void onComplete() {
      if (count == bytes.length) {
        result.complete(new Whole(head, bytes));
      } else {
        result.completeExceptionally(
            new IOException(
                "body of " + count + " bytes where " + bytes.length + " were promised"));
      }
    }
  }
}
