package dev.sluice.storage.s3;

import static java.util.concurrent.TimeUnit.SECONDS;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sluice.testkit.FaultProxy;
import dev.sluice.testkit.FaultProxy.Fault;
import io.netty.channel.EventLoop;
import io.netty.channel.nio.NioEventLoop;
import io.netty.channel.nio.NioEventLoopGroup;
import io.netty.channel.socket.nio.NioSocketChannel;
import java.net.URI;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.reactivestreams.Publisher;
import org.reactivestreams.Subscriber;
import software.amazon.awssdk.core.async.AsyncRequestBody;
import software.amazon.awssdk.core.async.DrainingSubscriber;
import software.amazon.awssdk.http.SdkHttpFullRequest;
import software.amazon.awssdk.http.SdkHttpMethod;
import software.amazon.awssdk.http.SdkHttpResponse;
import software.amazon.awssdk.http.async.AsyncExecuteRequest;
import software.amazon.awssdk.http.async.SdkAsyncHttpClient;
import software.amazon.awssdk.http.async.SdkAsyncHttpResponseHandler;
import software.amazon.awssdk.http.async.SdkHttpContentPublisher;
import software.amazon.awssdk.http.nio.netty.NettyNioAsyncHttpClient;
import software.amazon.awssdk.http.nio.netty.SdkEventLoopGroup;

/** A cancellation that comes between a request's connection and its sending. */
final class S3HttpClientTest {
  private static final Duration LIMIT = Duration.ofSeconds(20);

  private final FaultProxy proxy = FaultProxy.before(URI.create("http://127.0.0.1:1"));
  private final Loops loops = new Loops();
  private final SdkAsyncHttpClient http =
      new S3HttpClient(
          NettyNioAsyncHttpClient.builder()
              .eventLoopGroup(SdkEventLoopGroup.create(loops, NioSocketChannel::new))
              .readTimeout(Duration.ZERO)
              .maxConcurrency(1)
              .build());

  @AfterEach
  void close() throws Exception {
    http.close();
    loops.shutdownGracefully(0, 5, SECONDS).get(LIMIT.toSeconds(), SECONDS);
    proxy.close();
  }

  /** Two loops: one for all sockets, one where a chosen request learns of its connection. */
  private static final class Loops extends NioEventLoopGroup {
    private final AtomicBoolean isOtherNext = new AtomicBoolean();
    private final EventLoop sockets = super.next();
    private final EventLoop other = super.next();

    Loops() {
      super(2);
    }

    @Override
    public EventLoop next() {
      return isOtherNext.compareAndSet(true, false) ? other : sockets;
    }

    /** Waits until the sockets' loop has done what it was given so far. */
    void awaitSockets() throws Exception {
      sockets.submit(() -> {}).get(LIMIT.toSeconds(), SECONDS);
    }

    void awaitWorkForOther() {
      long deadlineNanos = System.nanoTime() + LIMIT.toNanos();
      while (((NioEventLoop) other).pendingTasks() == 0) {
        assertTrue(System.nanoTime() < deadlineNanos, "no connection was given");
        LockSupport.parkNanos(1_000_000);
      }
    }
  }

  /** No content, as of every GET. */
  private record NoContent(AsyncRequestBody none) implements SdkHttpContentPublisher {
    @Override
    public Optional<Long> contentLength() {
      return Optional.of(0L);
    }

    @Override
    public void subscribe(Subscriber<? super ByteBuffer> subscriber) {
      none.subscribe(subscriber);
    }
  }

  /** Reads the answer and forgets it. */
  private static final class Reader implements SdkAsyncHttpResponseHandler {
    @Override
    public void onHeaders(SdkHttpResponse head) {}

    @Override
    public void onStream(Publisher<ByteBuffer> body) {
      body.subscribe(new DrainingSubscriber<>());
    }

    @Override
    public void onError(Throwable failure) {}
  }

  private CompletableFuture<Void> get(String path) {
    return http.execute(
        AsyncExecuteRequest.builder()
            .request(
                SdkHttpFullRequest.builder()
                    .method(SdkHttpMethod.GET)
                    .uri(proxy.endpoint())
                    .encodedPath(path)
                    .putHeader("Host", proxy.endpoint().getAuthority())
                    .build())
            .requestContentPublisher(new NoContent(AsyncRequestBody.empty()))
            .responseHandler(new Reader())
            .build());
  }

  private void answer() throws Exception {
    get("/answered").get(LIMIT.toSeconds(), SECONDS);
    loops.awaitSockets();
  }

  @Test
  void aRequestCancelledBeforeItIsSentKeepsNoConnection() throws Exception {
    proxy.inject(r -> true, new Fault.Answer(200, List.of(), "answer"));
    proxy.inject(r -> r.path().equals("/cancelled"), new Fault.Hang());
    answer();
    assertEquals(1, proxy.connectionCount(), "free for the next request");

    CountDownLatch mayGoOn = new CountDownLatch(1);
    CountDownLatch isHeld = new CountDownLatch(1);
    loops.other.execute(
        () -> {
          isHeld.countDown();
          awaitQuietly(mayGoOn);
        });
    assertTrue(isHeld.await(LIMIT.toSeconds(), SECONDS));
    loops.isOtherNext.set(true);
    CompletableFuture<Void> cancelled = get("/cancelled");
    loops.awaitWorkForOther();
    cancelled.cancel(true);
    loops.awaitSockets();
    mayGoOn.countDown();

    proxy.await(p -> p.connectionCount() == 0, LIMIT);
    assertThrows(CancellationException.class, cancelled::join);
    answer();
  }

  private static void awaitQuietly(CountDownLatch latch) {
    try {
      latch.await();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}
