package dev.sluice.testkit;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.URI;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Predicate;

/**
 * A proxy in front of an HTTP/1.1 server that breaks chosen requests the way networks and storages
 * do, and remembers every request.
 *
 * <p>On the socket, not in a fake client: what is tested is the whole of a client with its HTTP
 * library. Requests pass through byte for byte, keep-alive and chunked bodies included, unless a
 * rule applies. Rules are asked from the newest to the oldest, and the first that applies decides.
 * Each connection has a thread, so delayed requests on several connections run in parallel.
 *
 * <p>Not for: TLS, HTTP/2, pipelining. Thread-safe: rules and log under this object's private lock.
 */
public final class FaultProxy implements AutoCloseable {
  private static final AtomicInteger THREADS = new AtomicInteger();

  private final Object lock = new Object();
  private final URI server;
  private final List<FaultChooser> rules = new ArrayList<>();
  private final List<Exchange> log = new ArrayList<>();
  private final List<ProxyConnection> connections = new ArrayList<>();
  private final CountDownLatch closing = new CountDownLatch(1);
  private final ExecutorService threads =
      Executors.newCachedThreadPool(
          work -> {
            Thread thread = new Thread(work, "fault-proxy-" + THREADS.incrementAndGet());
            thread.setDaemon(true);
            return thread;
          });
  private final int port;
  private ServerSocket listener;
  private CountDownLatch accepting = new CountDownLatch(0);

  private FaultProxy(URI server) throws IOException {
    this.server = server;
    this.listener = new ServerSocket(0, 128, InetAddress.getLoopbackAddress());
    this.port = listener.getLocalPort();
  }

  /**
   * Returns a proxy that listens on a free loopback port and passes everything on to {@code server}
   * ({@code http://host:port}).
   */
  public static FaultProxy before(URI server) {
    try {
      FaultProxy proxy = new FaultProxy(server);
      proxy.accept(proxy.listener);
      return proxy;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /**
   * What happens to a request for which a rule applies. Bytes are bytes of the response's body,
   * from 0.
   */
  public sealed interface Fault {
    /** The request is passed on after this time; its answer is untouched. */
    record Delay(Duration time) implements Fault {}

    /** The server is not asked; the answer is this status with an S3 error body of this code. */
    record Status(int status, String code) implements Fault {}

    /**
     * The server is not asked; the answer is this status and body, with these headers beside
     * Content-Length, each {@code Name: value}.
     */
    record Answer(int status, List<String> headers, String body) implements Fault {
      public Answer {
        headers = List.copyOf(headers);
      }
    }

    /**
     * The server is not asked and no answer ever comes; ends when the client or the proxy closes.
     */
    record Hang() implements Fault {}

    /**
     * The server answers, the client gets the head and so many bytes, then nothing more: the
     * transfer stalls.
     */
    record Stall(long afterBytes) implements Fault {}

    /** The server answers, and so many bytes on the connection is reset; 0 is after the head. */
    record Reset(long afterBytes) implements Fault {}

    /**
     * The server does its work, and the connection is reset before the first byte of its answer.
     */
    record ResetInsteadOfAnswer() implements Fault {}

    /**
     * The server answers, and so many bytes on the connection ends in order, though more were
     * promised.
     */
    record Truncate(long afterBytes) implements Fault {}

    /** One bit of the byte at this place is changed. */
    record Flip(long at) implements Fault {}
  }

  /**
   * A request as rules see it. Immutable.
   *
   * @param path the path, percent-encoded as it came
   * @param query what stands behind the question mark, or an empty string
   * @param range the Range header, or an empty string
   * @param ifMatch the If-Match header, or an empty string
   */
  public record Request(String method, String path, String query, String range, String ifMatch) {}

  /**
   * A request and what became of it. Immutable.
   *
   * @param status the status sent to the client; 0 while there is none
   * @param bodyBytes bytes of the response's body sent to the client so far
   * @param startNanos {@link System#nanoTime} when the request's head was read
   * @param endNanos the same when the last byte was sent, or 0 before that
   */
  public record Exchange(
      Request request, int status, long bodyBytes, long startNanos, long endNanos) {}

  /** What a rule does to a request, if anything. */
  @FunctionalInterface
  public interface FaultChooser {
    /** Called for each request, on several threads, one after another. */
    Optional<Fault> choose(Request request);
  }

  /** Returns the address that clients use instead of the server's. */
  public URI endpoint() {
    return URI.create("http://127.0.0.1:" + port);
  }

  /** Breaks every request that {@code when} accepts, until {@link #heal()}. */
  public void inject(Predicate<Request> when, Fault fault) {
    inject(Integer.MAX_VALUE, when, fault);
  }

  /** Breaks the next {@code times} requests that {@code when} accepts. */
  public void inject(int times, Predicate<Request> when, Fault fault) {
    AtomicInteger left = new AtomicInteger(times);
    inject(
        request ->
            left.get() > 0 && when.test(request) && left.getAndDecrement() > 0
                ? Optional.of(fault)
                : Optional.empty());
  }

  /** Breaks requests as {@code rule} chooses, until {@link #heal()}. */
  public void inject(FaultChooser rule) {
    synchronized (lock) {
      rules.add(0, rule);
    }
  }

  /** Refuses connections and resets those that are open, until {@link #heal()}. */
  public void refuse() {
    CountDownLatch ended;
    synchronized (lock) {
      closeQuietly(listener);
      ended = accepting;
    }
    // The kernel listens on until the thread that accepts has left its call.
    awaitQuietly(ended);
    List<ProxyConnection> open;
    synchronized (lock) {
      open = List.copyOf(connections);
    }
    open.forEach(ProxyConnection::reset);
  }

  /** Forgets all rules and listens again, on the same port. Requests that hang go on hanging. */
  public void heal() {
    synchronized (lock) {
      rules.clear();
      if (!listener.isClosed() || closing.getCount() == 0) {
        return;
      }
      try {
        listener = new ServerSocket();
        listener.setReuseAddress(true);
        listener.bind(new InetSocketAddress(InetAddress.getLoopbackAddress(), port), 128);
        accept(listener);
      } catch (IOException e) {
        throw new UncheckedIOException(e);
      }
    }
  }

  /**
   * Returns all requests since the start or the last {@link #clearLog()}, in the order in which
   * they came.
   */
  public List<Exchange> log() {
    synchronized (lock) {
      return List.copyOf(log);
    }
  }

  /** Returns how many requests the log holds of this method. */
  public long count(String method) {
    return log().stream().filter(e -> e.request().method().equals(method)).count();
  }

  public void clearLog() {
    synchronized (lock) {
      log.clear();
    }
  }

  /** Returns how many clients are connected. */
  public int connectionCount() {
    synchronized (lock) {
      return connections.size();
    }
  }

  /**
   * Waits until {@code claim} holds; asked again after each request, answer and change of
   * connections.
   */
  public void await(Predicate<FaultProxy> claim, Duration limit) throws InterruptedException {
    long deadline = System.nanoTime() + limit.toNanos();
    synchronized (lock) {
      while (!claim.test(this)) {
        long left = deadline - System.nanoTime();
        if (left <= 0) {
          throw new AssertionError(
              "not within " + limit + "; connections " + connectionCount() + ", log " + log());
        }
        TimeUnit.NANOSECONDS.timedWait(lock, left);
      }
    }
  }

  private static void awaitQuietly(CountDownLatch latch) {
    try {
      latch.await();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  private void accept(ServerSocket from) {
    CountDownLatch ended = new CountDownLatch(1);
    accepting = ended;
    threads.execute(
        () -> {
          while (!from.isClosed()) {
            try {
              serve(from, from.accept());
            } catch (IOException e) {
              // The listener was closed, or a client was gone before it was accepted.
            }
          }
          ended.countDown();
        });
  }

  private void serve(ServerSocket from, Socket client) {
    ProxyConnection connection = new ProxyConnection(this, client, server);
    synchronized (lock) {
      if (from.isClosed()) {
        connection.reset();
        return;
      }
      connections.add(connection);
      lock.notifyAll();
    }
    threads.execute(
        () -> {
          try {
            connection.run();
          } finally {
            synchronized (lock) {
              connections.remove(connection);
              lock.notifyAll();
            }
          }
        });
  }

  /** Notes a request; the answer identifies it for {@link #record}. */
  Exchange begin(Request request) {
    Exchange exchange = new Exchange(request, 0, 0, System.nanoTime(), 0);
    synchronized (lock) {
      log.add(exchange);
      lock.notifyAll();
    }
    return exchange;
  }

  /** Replaces what is noted of a request, unless the log was cleared since. */
  Exchange record(Exchange old, Exchange now) {
    synchronized (lock) {
      int i = log.lastIndexOf(old);
      if (i >= 0) {
        log.set(i, now);
      }
      lock.notifyAll();
    }
    return now;
  }

  /** Returns the fault for this request, which counts for its rule. */
  Optional<Fault> faultFor(Request request) {
    synchronized (lock) {
      return rules.stream().flatMap(rule -> rule.choose(request).stream()).findFirst();
    }
  }

  /** Waits, at most until the proxy is closed. */
  void pause(Duration time) throws IOException {
    try {
      if (closing.await(time.toNanos(), TimeUnit.NANOSECONDS)) {
        throw new IOException("the proxy was closed");
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IOException(e);
    }
  }

  static void closeQuietly(AutoCloseable resource) {
    try {
      resource.close();
    } catch (Exception e) {
      // Nobody can do anything about it in a test's proxy.
    }
  }

  /** Closes every connection and waits for every thread to end. Idempotent. */
  @Override
  public void close() {
    closing.countDown();
    refuse();
    threads.shutdownNow();
    try {
      if (!threads.awaitTermination(10, TimeUnit.SECONDS)) {
        throw new IllegalStateException("threads of the fault proxy did not end");
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}
