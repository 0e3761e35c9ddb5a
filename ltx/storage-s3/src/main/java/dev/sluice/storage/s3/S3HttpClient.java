package dev.sluice.storage.s3;

import java.nio.ByteBuffer;
import java.util.Optional;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;
import org.reactivestreams.Subscriber;
import org.reactivestreams.Subscription;
import software.amazon.awssdk.http.async.AsyncExecuteRequest;
import software.amazon.awssdk.http.async.SdkAsyncHttpClient;
import software.amazon.awssdk.http.async.SdkHttpContentPublisher;

/**
 * The SDK's client over Netty, without its loss of cancellations.
 *
 * <p>Netty's client tells a cancellation to the request's connection, which compares it with the
 * number of the request that it carries. Between the moment at which a request is given a free
 * connection and that at which the connection is given the request's number, both on other threads,
 * it carries the number of the request before: the cancellation is taken for a late one of that and
 * dropped. The cancelled request is then sent, and if its answer never ends, neither does its hold
 * on one of the pool's connections. So whether a request has ended is asked once more where its
 * content is asked for: that is after the connection got the number and on the connection's own
 * thread, which finds a cancellation either here or, later, by itself. Thread-safe.
 */
final class S3HttpClient implements SdkAsyncHttpClient {
  private final SdkAsyncHttpClient netty;

  /**
   * @param netty closed with this client
   */
  S3HttpClient(SdkAsyncHttpClient netty) {
    this.netty = netty;
  }

  @Override
  public CompletableFuture<Void> execute(AsyncExecuteRequest request) {
    Content content = new Content(request.requestContentPublisher());
    AsyncExecuteRequest.Builder same =
        AsyncExecuteRequest.builder()
            .request(request.request())
            .requestContentPublisher(content)
            .responseHandler(request.responseHandler())
            .fullDuplex(request.fullDuplex())
            .httpExecutionAttributes(request.httpExecutionAttributes());
    request.metricCollector().ifPresent(same::metricCollector);
    CompletableFuture<Void> end = netty.execute(same.build());
    content.endsWith(end);
    return end;
  }

  @Override
  public String clientName() {
    return netty.clientName();
  }

  @Override
  public void close() {
    netty.close();
  }

  /** A request's content, which fails, and its connection with it, if the request has ended. */
  private static final class Content implements SdkHttpContentPublisher {
    private final SdkHttpContentPublisher content;

    /** Null while nobody has it who could cancel it. */
    private volatile @Nullable CompletableFuture<Void> end;

    Content(SdkHttpContentPublisher content) {
      this.content = content;
    }

    void endsWith(CompletableFuture<Void> given) {
      end = given;
    }

    @Override
    public Optional<Long> contentLength() {
      return content.contentLength();
    }

    @Override
    public void subscribe(Subscriber<? super ByteBuffer> subscriber) {
      CompletableFuture<Void> given = end;
      if (given != null && given.isDone()) {
        subscriber.onSubscribe(new Nothing());
        subscriber.onError(new CancellationException("cancelled before its content was sent"));
      } else {
        content.subscribe(subscriber);
      }
    }
  }

  /** Of a publisher that has failed already. */
  private static final class Nothing implements Subscription {
    @Override
    public void request(long count) {}

    @Override
    public void cancel() {}
  }
}
