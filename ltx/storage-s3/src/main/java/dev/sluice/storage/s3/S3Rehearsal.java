package dev.sluice.storage.s3;

import java.nio.ByteBuffer;
import java.time.Instant;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicBoolean;
import org.reactivestreams.Publisher;
import org.reactivestreams.Subscriber;
import org.reactivestreams.Subscription;
import software.amazon.awssdk.auth.credentials.AwsBasicCredentials;
import software.amazon.awssdk.auth.credentials.StaticCredentialsProvider;
import software.amazon.awssdk.core.async.AsyncRequestBody;
import software.amazon.awssdk.http.SdkHttpResponse;
import software.amazon.awssdk.http.async.AsyncExecuteRequest;
import software.amazon.awssdk.http.async.SdkAsyncHttpClient;
import software.amazon.awssdk.http.async.SdkAsyncHttpResponseHandler;
import software.amazon.awssdk.regions.Region;
import software.amazon.awssdk.services.s3.S3AsyncClient;
import software.amazon.awssdk.services.s3.model.PutObjectResponse;

/**
 * Makes the SDK do what it does for a small write a few hundred times, without sending anything.
 *
 * <p>The JVM interprets what it has not done often, and the SDK does a great deal for a request: a
 * write by itself takes 2 to 3 ms longer without this. A primary with a commit a minute would be at
 * its first ones for hours. It takes two seconds of a processor, once, the compiler's share
 * included.
 */
final class S3Rehearsal {
  private static final int WRITES = 300;
  private static final int WRITE_BYTES = 700;
  private static final long WRITE_LIMIT_SECONDS = 10;
  private static final AtomicBoolean IS_BEGUN = new AtomicBoolean();

  private S3Rehearsal() {}

  /** Begins on a thread of its own, if this process has not done so before. */
  static void begin(S3Objects objects) {
    if (IS_BEGUN.compareAndSet(false, true)) {
      Thread thread = new Thread(() -> rehearse(objects), "s3-rehearsal");
      thread.setDaemon(true);
      thread.start();
    }
  }

  private static void rehearse(S3Objects objects) {
    try {
      int unused = run(objects, WRITES);
    } catch (ExecutionException | TimeoutException | RuntimeException | Error e) {
      // The first writes are slower, and say themselves what is wrong with them.
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  /** Does so now; returns how many requests were made and answered. */
  static int run(S3Objects objects, int writes)
      throws ExecutionException, InterruptedException, TimeoutException {
    Stage stage = new Stage();
    try (S3AsyncClient client =
        S3Connection.builder(objects.settings())
            .httpClient(stage)
            .credentialsProvider(
                StaticCredentialsProvider.create(AwsBasicCredentials.create("none", "none")))
            .region(Region.of(objects.settings().region().orElse(S3Settings.DEFAULT_REGION)))
            .build()) {
      for (int i = 0; i < writes; i++) {
        PutObjectResponse unused =
            client
                .putObject(
                    objects.create("rehearsal", Instant.EPOCH),
                    AsyncRequestBody.fromBytes(new byte[WRITE_BYTES]))
                .get(WRITE_LIMIT_SECONDS, TimeUnit.SECONDS);
      }
    }
    return stage.answered;
  }

  /** Answers every request at once. Confined to one request at a time. */
  private static final class Stage implements SdkAsyncHttpClient {
    private int answered;

    @Override
    public CompletableFuture<Void> execute(AsyncExecuteRequest request) {
      CompletableFuture<Void> end = new CompletableFuture<>();
      request
          .requestContentPublisher()
          .subscribe(
              new Subscriber<ByteBuffer>() {
                @Override
                public void onSubscribe(Subscription subscription) {
                  subscription.request(Long.MAX_VALUE);
                }

                @Override
                public void onNext(ByteBuffer bytes) {}

                @Override
                public void onError(Throwable failure) {
                  end.completeExceptionally(failure);
                }

                @Override
                public void onComplete() {
                  answer(request.responseHandler());
                  end.complete(null);
                }
              });
      return end;
    }

    private void answer(SdkAsyncHttpResponseHandler handler) {
      answered++;
      handler.onHeaders(
          SdkHttpResponse.builder()
              .statusCode(200)
              .putHeader("ETag", "\"0\"")
              .putHeader("Content-Length", "0")
              .build());
      handler.onStream(nothing());
    }

    private static Publisher<ByteBuffer> nothing() {
      return subscriber ->
          subscriber.onSubscribe(
              new Subscription() {
                private boolean isOver;

                @Override
                public void request(long count) {
                  if (!isOver) {
                    isOver = true;
                    subscriber.onComplete();
                  }
                }

                @Override
                public void cancel() {
                  isOver = true;
                }
              });
    }

    @Override
    public void close() {}
  }
}
