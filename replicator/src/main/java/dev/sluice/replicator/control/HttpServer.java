package dev.sluice.replicator.control;

import io.netty.bootstrap.ServerBootstrap;
import io.netty.channel.Channel;
import io.netty.channel.ChannelFuture;
import io.netty.channel.ChannelInitializer;
import io.netty.channel.ServerChannel;
import io.netty.channel.group.ChannelGroup;
import io.netty.channel.group.DefaultChannelGroup;
import io.netty.channel.nio.NioEventLoopGroup;
import io.netty.channel.socket.nio.NioServerDomainSocketChannel;
import io.netty.channel.socket.nio.NioServerSocketChannel;
import io.netty.handler.codec.http.HttpObjectAggregator;
import io.netty.handler.codec.http.HttpServerCodec;
import io.netty.handler.codec.http.HttpServerKeepAliveHandler;
import io.netty.util.concurrent.DefaultThreadFactory;
import io.netty.util.concurrent.GlobalEventExecutor;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.SocketAddress;
import java.net.UnixDomainSocketAddress;
import java.nio.file.Path;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;

/**
 * Serves HTTP/1.1 on TCP and on Unix sockets: one thread for all connections, and a few for the
 * handlers.
 *
 * <p>Netty, which the AWS SDK brings into the program anyway: the JDK's own server knows no Unix
 * socket. Not for anything that strangers reach: there is no TLS, and no one is asked who they are.
 * Thread-safe.
 */
@SuppressWarnings("FutureReturnValueIgnored") // what cannot be closed is closed with the process
public final class HttpServer implements AutoCloseable {
  private static final int HANDLER_THREADS = 4;
  private static final int IDLE_SECONDS = 30;
  private static final long CLOSE_MILLIS = 2_000;

  private final HttpLimits limits;
  private final NioEventLoopGroup loop =
      new NioEventLoopGroup(1, new DefaultThreadFactory("sluice-http", true));
  private final ThreadPoolExecutor handlers;
  private final ChannelGroup channels =
      new DefaultChannelGroup("sluice-http", GlobalEventExecutor.INSTANCE, true);

  public HttpServer(HttpLimits limits) {
    this.limits = limits;
    this.handlers =
        new ThreadPoolExecutor(
            HANDLER_THREADS,
            HANDLER_THREADS,
            IDLE_SECONDS,
            TimeUnit.SECONDS,
            new ArrayBlockingQueue<>(2 * limits.connections()),
            new DefaultThreadFactory("sluice-http-handler", true));
    handlers.allowCoreThreadTimeOut(true);
  }

  /**
   * Listens on TCP, and returns the address with the port.
   *
   * @throws IOException if the address cannot be had
   */
  public InetSocketAddress listen(InetSocketAddress address, HttpHandler handler)
      throws IOException {
    Channel channel = bind(NioServerSocketChannel.class, address, handler);
    return (InetSocketAddress) channel.localAddress();
  }

  /** Listens on a Unix socket, whose file is not there and is deleted at the end. */
  void listen(Path socket, HttpHandler handler) throws IOException {
    UnixDomainSocketAddress address = UnixDomainSocketAddress.of(socket);
    bind(NioServerDomainSocketChannel.class, address, handler);
  }

  private Channel bind(
      Class<? extends ServerChannel> type, SocketAddress address, HttpHandler handler)
      throws IOException {
    ServerBootstrap bootstrap =
        new ServerBootstrap()
            .group(loop)
            .channel(type)
            .childHandler(
                new ChannelInitializer<Channel>() {
                  @Override
                  protected void initChannel(Channel connection) {
                    begin(connection, handler);
                  }
                });
    ChannelFuture bound = bootstrap.bind(address).awaitUninterruptibly();
    if (!bound.isSuccess()) {
      Throwable why = bound.cause();
      throw new IOException("listen on " + address + ": " + why.getMessage(), why);
    }
    channels.add(bound.channel());
    return bound.channel();
  }

  private void begin(Channel connection, HttpHandler handler) {
    Channel listener = connection.parent();
    long open = channels.stream().filter(channel -> listener.equals(channel.parent())).count();
    if (open >= limits.connections()) {
      connection.close();
      return;
    }
    channels.add(connection);
    connection
        .pipeline()
        .addLast(new HttpServerCodec(limits.lineBytes(), limits.headerBytes(), 8192))
        .addLast(new HttpServerKeepAliveHandler())
        .addLast(new HttpObjectAggregator(limits.bodyBytes(), true))
        .addLast(new HttpConversation(handler, handlers, limits.requestTime()));
  }

  /** Closes all connections, those whose answer is not ready too. Idempotent. */
  @Override
  public void close() {
    channels.close().awaitUninterruptibly(CLOSE_MILLIS);
    handlers.shutdownNow();
    loop.shutdownGracefully(0, CLOSE_MILLIS, TimeUnit.MILLISECONDS)
        .awaitUninterruptibly(CLOSE_MILLIS);
  }
}
