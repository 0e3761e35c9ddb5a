package dev.sluice.storage.s3;

import dev.sluice.storage.ReplicaClient;
import java.nio.ByteBuffer;
import java.util.Optional;
import org.reactivestreams.Subscriber;
import org.reactivestreams.Subscription;
import software.amazon.awssdk.core.async.AsyncRequestBody;

/**
 * A request's body that tells what of it was taken: it is asked for as fast as the connection takes
 * it, and once before that if it is signed. Thread-safe as the body is.
 */
final class S3ToldBody implements AsyncRequestBody {
  private final AsyncRequestBody body;
  private final ReplicaClient.Progress progress;

  S3ToldBody(AsyncRequestBody body, ReplicaClient.Progress progress) {
    this.body = body;
    this.progress = progress;
  }

  @Override
  public Optional<Long> contentLength() {
    return body.contentLength();
  }

  @Override
  public String contentType() {
    return body.contentType();
  }

  @Override
  public String body() {
    return body.body();
  }

  @Override
  public void subscribe(Subscriber<? super ByteBuffer> subscriber) {
    body.subscribe(new Told(subscriber, progress));
  }

  /** Passes everything on. */
  private record Told(Subscriber<? super ByteBuffer> subscriber, ReplicaClient.Progress progress)
      implements Subscriber<ByteBuffer> {
    @Override
    public void onSubscribe(Subscription subscription) {
      subscriber.onSubscribe(subscription);
    }

    @Override
    public void onNext(ByteBuffer bytes) {
      int count = bytes.remaining();
      subscriber.onNext(bytes);
      progress.took(count);
    }

    @Override
    public void onError(Throwable failure) {
      subscriber.onError(failure);
    }

    @Override
    public void onComplete() {
      subscriber.onComplete();
    }
  }
}
