package dev.sluice.replicator.control;

import io.netty.buffer.Unpooled;
import io.netty.channel.ChannelFutureListener;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.SimpleChannelInboundHandler;
import io.netty.handler.codec.http.DefaultFullHttpResponse;
import io.netty.handler.codec.http.FullHttpRequest;
import io.netty.handler.codec.http.FullHttpResponse;
import io.netty.handler.codec.http.HttpHeaderNames;
import io.netty.handler.codec.http.HttpMethod;
import io.netty.handler.codec.http.HttpResponseStatus;
import io.netty.handler.codec.http.HttpVersion;
import io.netty.handler.codec.http.QueryStringDecoder;
import io.netty.util.concurrent.ScheduledFuture;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executor;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeUnit;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * One connection of an {@link HttpServer}: a request is read, answered, and only then the next one.
 * Who takes longer over a request than allowed is cut off. Confined to the connection's event loop.
 */
@SuppressWarnings("FutureReturnValueIgnored") // a connection that fails ends in exceptionCaught
final class HttpConversation extends SimpleChannelInboundHandler<FullHttpRequest> {
  private static final Logger log = LoggerFactory.getLogger(HttpConversation.class);

  private final HttpHandler handler;
  private final Executor handlers;
  private final Duration requestTime;
  private final Deque<Asked> asked = new ArrayDeque<>();
  private Optional<ScheduledFuture<?>> deadline = Optional.empty();
  private boolean isAnswering;

  /** A request that is read; without a call if it is malformed. */
  private record Asked(Optional<HttpCall> call, boolean isHead) {}

  HttpConversation(HttpHandler handler, Executor handlers, Duration requestTime) {
    this.handler = handler;
    this.handlers = handlers;
    this.requestTime = requestTime;
  }

  @Override
  public void channelActive(ChannelHandlerContext context) {
    awaitRequest(context);
  }

  private void awaitRequest(ChannelHandlerContext context) {
    deadline =
        Optional.of(
            context
                .executor()
                .schedule(() -> context.close(), requestTime.toMillis(), TimeUnit.MILLISECONDS));
  }

  /** Requests that came along with one that is being answered wait, and no more are read. */
  @Override
  protected void channelRead0(ChannelHandlerContext context, FullHttpRequest request) {
    deadline.ifPresent(due -> due.cancel(false));
    context.channel().config().setAutoRead(false);
    asked.add(new Asked(call(request), request.method().equals(HttpMethod.HEAD)));
    answerNext(context);
  }

  private void answerNext(ChannelHandlerContext context) {
    if (isAnswering) {
      return;
    }
    if (asked.isEmpty()) {
      awaitRequest(context);
      context.channel().config().setAutoRead(true);
      return;
    }
    isAnswering = true;
    Asked next = asked.removeFirst();
    CompletableFuture<Void> unused =
        answer(next)
            .thenAcceptAsync(
                reply -> {
                  isAnswering = false;
                  write(context, reply, next.isHead());
                  if (next.call().isEmpty()) {
                    context.close();
                  } else {
                    answerNext(context);
                  }
                },
                context.executor());
  }

  private CompletableFuture<HttpReply> answer(Asked next) {
    if (next.call().isEmpty()) {
      return CompletableFuture.completedFuture(
          HttpReply.error(HttpReply.BAD_REQUEST, "malformed request"));
    }
    HttpCall call = next.call().get();
    CompletableFuture<HttpReply> answer = new CompletableFuture<>();
    try {
      handlers.execute(
          () ->
              ask(call)
                  .whenComplete(
                      (reply, failure) ->
                          answer.complete(failure == null ? reply : failed(call, failure))));
    } catch (RejectedExecutionException e) {
      answer.complete(HttpReply.error(HttpReply.UNAVAILABLE, "the daemon is busy, or ends"));
    }
    return answer;
  }

  private CompletableFuture<HttpReply> ask(HttpCall call) {
    try {
      return handler.answer(call);
    } catch (RuntimeException e) {
      return CompletableFuture.failedFuture(e);
    }
  }

  private static HttpReply failed(HttpCall call, Throwable failure) {
    log.error("{} {}", call.method(), call.path(), failure);
    return HttpReply.error(HttpReply.FAILED, "unexpected " + failure);
  }

  private static Optional<HttpCall> call(FullHttpRequest request) {
    if (request.decoderResult().isFailure()) {
      return Optional.empty();
    }
    QueryStringDecoder uri = new QueryStringDecoder(request.uri());
    Map<String, String> query = new LinkedHashMap<>();
    try {
      uri.parameters().forEach((name, values) -> query.put(name, values.get(0)));
      return Optional.of(
          new HttpCall(
              request.method().name(),
              uri.path(),
              query,
              request.content().toString(StandardCharsets.UTF_8)));
    } catch (IllegalArgumentException e) {
      return Optional.empty(); // half a percent sign
    }
  }

  private static void write(ChannelHandlerContext context, HttpReply reply, boolean isHead) {
    byte[] body = reply.body().getBytes(StandardCharsets.UTF_8);
    FullHttpResponse response =
        new DefaultFullHttpResponse(
            HttpVersion.HTTP_1_1,
            HttpResponseStatus.valueOf(reply.status()),
            isHead ? Unpooled.EMPTY_BUFFER : Unpooled.wrappedBuffer(body));
    response
        .headers()
        .set(HttpHeaderNames.CONTENT_TYPE, reply.contentType())
        .setInt(HttpHeaderNames.CONTENT_LENGTH, body.length);
    context.writeAndFlush(response).addListener(ChannelFutureListener.CLOSE_ON_FAILURE);
  }

  @Override
  public void channelInactive(ChannelHandlerContext context) {
    deadline.ifPresent(due -> due.cancel(false));
  }

  /** A connection that breaks is its client's affair. */
  @Override
  public void exceptionCaught(ChannelHandlerContext context, Throwable cause) {
    log.debug("a connection broke", cause);
    context.close();
  }
}
