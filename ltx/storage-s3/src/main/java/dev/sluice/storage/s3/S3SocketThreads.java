package dev.sluice.storage.s3;

import io.netty.channel.Channel;
import io.netty.channel.ChannelFuture;
import io.netty.channel.ChannelPromise;
import io.netty.channel.DefaultChannelPromise;
import io.netty.channel.EventLoop;
import io.netty.channel.nio.NioEventLoopGroup;
import io.netty.util.concurrent.EventExecutor;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ThreadFactory;

/**
 * The threads of a client's sockets. A connection is begun only after the task that asks for it has
 * ended.
 *
 * <p>Else the first one of a client may have failed before the SDK's pool waits for its end, as to
 * a port where nobody listens: the pool then waits for the end of one that nobody has begun, and
 * the request ends when its time for getting a connection is over, without a reason. Thread-safe.
 */
final class S3SocketThreads extends NioEventLoopGroup {
  S3SocketThreads(int threads, ThreadFactory factory) {
    super(threads, factory);
  }

  @Override
  public ChannelFuture register(Channel channel) {
    EventLoop loop = next();
    ChannelPromise registered = new DefaultChannelPromise(channel, loop);
    for (EventExecutor asking : this) {
      if (asking.inEventLoop()) {
        registerAfterThis(asking, loop, registered);
        return registered;
      }
    }
    return loop.register(registered);
  }

  private static void registerAfterThis(
      EventExecutor asking, EventLoop loop, ChannelPromise registered) {
    try {
      asking.execute(() -> register(loop, registered));
    } catch (RejectedExecutionException e) {
      registered.setFailure(e); // whoever asked closes the channel
    }
  }

  private static void register(EventLoop loop, ChannelPromise registered) {
    ChannelFuture unused = loop.register(registered);
  }
}
