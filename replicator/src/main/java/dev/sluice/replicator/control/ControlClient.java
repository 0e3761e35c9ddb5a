package dev.sluice.replicator.control;

import io.netty.bootstrap.Bootstrap;
import io.netty.buffer.Unpooled;
import io.netty.channel.Channel;
import io.netty.channel.ChannelFuture;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInitializer;
import io.netty.channel.SimpleChannelInboundHandler;
import io.netty.channel.nio.NioEventLoopGroup;
import io.netty.channel.socket.nio.NioDomainSocketChannel;
import io.netty.handler.codec.http.DefaultFullHttpRequest;
import io.netty.handler.codec.http.FullHttpRequest;
import io.netty.handler.codec.http.FullHttpResponse;
import io.netty.handler.codec.http.HttpClientCodec;
import io.netty.handler.codec.http.HttpHeaderNames;
import io.netty.handler.codec.http.HttpHeaderValues;
import io.netty.handler.codec.http.HttpMethod;
import io.netty.handler.codec.http.HttpObjectAggregator;
import io.netty.handler.codec.http.HttpVersion;
import io.netty.util.concurrent.DefaultThreadFactory;
import java.io.IOException;
import java.io.InterruptedIOException;
import java.net.UnixDomainSocketAddress;
import java.nio.charset.StandardCharsets;
import java.nio.file.AccessDeniedException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/** Asks a daemon over its control socket; ours or Litestream's. Immutable. */
@SuppressWarnings("FutureReturnValueIgnored") // a connection that fails ends in its Answer
public final class ControlClient {
  private static final int ANSWER_BYTES_MAX = 64 << 20;

  private final Path socket;
  private final Duration limit;

  /** Nobody listens on the socket. */
  public static final class NoDaemonException extends IOException {
    private static final long serialVersionUID = 1L;

    NoDaemonException(String message, Throwable cause) {
      super(message, cause);
    }
  }

  /** The daemon has answered that it did not do it. */
  public static final class RefusedException extends IOException {
    private static final long serialVersionUID = 1L;
    private final int status;

    RefusedException(int status, String why) {
      super(why);
      this.status = status;
    }

    /** Returns the answer's HTTP status. */
    public int status() {
      return status;
    }
  }

  /** Takes the socket, and how long one answer may take. */
  public ControlClient(Path socket, Duration limit) {
    this.socket = socket;
    this.limit = limit;
  }

  /**
   * Asks for something.
   *
   * @throws NoDaemonException if there is no daemon
   * @throws RefusedException if it has not done it
   */
  public <T> T get(String uri, Class<T> answer) throws IOException {
    return ask("GET", uri, "", answer);
  }

  /** Has something done; otherwise as {@link #get}. */
  public <T> T post(String uri, Object message, Class<T> answer) throws IOException {
    return ask("POST", uri, ControlJson.write(message), answer);
  }

  <T> T ask(String method, String uri, String body, Class<T> answer) throws IOException {
    return ControlJson.read(ask(HttpMethod.valueOf(method), uri, body), answer);
  }

  private String ask(HttpMethod method, String uri, String body) throws IOException {
    CompletableFuture<HttpReply> answer = new CompletableFuture<>();
    NioEventLoopGroup loop =
        new NioEventLoopGroup(1, new DefaultThreadFactory("control-client", true));
    try {
      Channel connection = connect(loop, answer);
      connection.writeAndFlush(request(method, uri, body));
      return taken(answer.get(limit.toNanos(), TimeUnit.NANOSECONDS));
    } catch (TimeoutException e) {
      throw new IOException("no answer within " + limit.toSeconds() + " s", e);
    } catch (ExecutionException e) {
      throw new IOException("no answer: " + String.valueOf(e.getMessage()), e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new InterruptedIOException("interrupted");
    } finally {
      loop.shutdownGracefully(0, 0, TimeUnit.MILLISECONDS);
    }
  }

  private Channel connect(NioEventLoopGroup loop, CompletableFuture<HttpReply> answer)
      throws IOException, InterruptedException {
    ChannelFuture connecting =
        new Bootstrap()
            .group(loop)
            .channel(NioDomainSocketChannel.class)
            .handler(
                new ChannelInitializer<Channel>() {
                  @Override
                  protected void initChannel(Channel connection) {
                    connection
                        .pipeline()
                        .addLast(new HttpClientCodec())
                        .addLast(new HttpObjectAggregator(ANSWER_BYTES_MAX))
                        .addLast(new Answer(answer));
                  }
                })
            .connect(UnixDomainSocketAddress.of(socket))
            .await();
    if (!connecting.isSuccess()) {
      throw noDaemon(connecting.cause());
    }
    return connecting.channel();
  }

  private IOException noDaemon(Throwable cause) {
    if (!Files.exists(socket)) {
      return new NoDaemonException(
          "no daemon: there is no socket " + socket + " (it makes one with --socket)", cause);
    }
    if (!Files.isWritable(socket)) {
      return new AccessDeniedException(socket.toString());
    }
    return new NoDaemonException(
        "no daemon answers on " + socket + ": " + cause.getMessage(), cause);
  }

  private static FullHttpRequest request(HttpMethod method, String uri, String body) {
    byte[] bytes = body.getBytes(StandardCharsets.UTF_8);
    FullHttpRequest request =
        new DefaultFullHttpRequest(
            HttpVersion.HTTP_1_1, method, uri, Unpooled.wrappedBuffer(bytes));
    request
        .headers()
        .set(HttpHeaderNames.HOST, "localhost")
        .set(HttpHeaderNames.CONNECTION, HttpHeaderValues.CLOSE)
        .set(HttpHeaderNames.CONTENT_TYPE, HttpHeaderValues.APPLICATION_JSON)
        .setInt(HttpHeaderNames.CONTENT_LENGTH, bytes.length);
    return request;
  }

  private static String taken(HttpReply reply) throws RefusedException {
    if (reply.status() == HttpReply.OK) {
      return reply.body();
    }
    String why = reply.body().strip();
    try {
      why = ControlJson.read(why, ControlMessages.Failed.class).error();
    } catch (ControlJson.MalformedException e) {
      // not ours, and not Litestream's
    }
    throw new RefusedException(reply.status(), why);
  }

  /** Keeps the one answer of a connection. */
  private static final class Answer extends SimpleChannelInboundHandler<FullHttpResponse> {
    private final CompletableFuture<HttpReply> answer;

    Answer(CompletableFuture<HttpReply> answer) {
      this.answer = answer;
    }

    @Override
    protected void channelRead0(ChannelHandlerContext context, FullHttpResponse response) {
      String type = response.headers().get(HttpHeaderNames.CONTENT_TYPE, "");
      answer.complete(
          new HttpReply(
              response.status().code(), type, response.content().toString(StandardCharsets.UTF_8)));
    }

    @Override
    public void channelInactive(ChannelHandlerContext context) {
      answer.completeExceptionally(new IOException("the connection was closed"));
    }

    @Override
    public void exceptionCaught(ChannelHandlerContext context, Throwable cause) {
      answer.completeExceptionally(cause);
      context.close();
    }
  }
}
