package dev.sluice.testkit;

import dev.sluice.testkit.FaultProxy.Exchange;
import dev.sluice.testkit.FaultProxy.Fault;
import dev.sluice.testkit.FaultProxy.Request;
import java.io.BufferedInputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.Socket;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * One client's connection and the connection to the server that goes with it. Confined to one
 * thread, but for {@link #reset()}, which any thread may call.
 */
final class ProxyConnection {
  private final FaultProxy proxy;
  private final Socket client;
  private final URI server;
  private volatile @Nullable Socket upstream;
  private @Nullable InputStream upstreamIn;

  ProxyConnection(FaultProxy proxy, Socket client, URI server) {
    this.proxy = proxy;
    this.client = client;
    this.server = server;
  }

  /** Serves requests until one side closes. */
  void run() {
    try {
      client.setTcpNoDelay(true);
      InputStream in = new BufferedInputStream(client.getInputStream());
      boolean again = true;
      while (again) {
        Optional<HttpHead> head = HttpHead.read(in);
        again = head.isPresent() && serve(head.get(), in);
      }
    } catch (IOException e) {
      // One side is gone; the other learns of it by the close below.
    } finally {
      FaultProxy.closeQuietly(client);
      closeUpstream();
    }
  }

  /** Ends both connections with a reset instead of an orderly end. */
  void reset() {
    try {
      client.setSoLinger(true, 0);
    } catch (IOException e) {
      // It is closed already.
    }
    FaultProxy.closeQuietly(client);
    closeUpstream();
  }

  private void closeUpstream() {
    Socket open = upstream;
    if (open != null) {
      FaultProxy.closeQuietly(open);
    }
  }

  /** Serves one request; returns whether the connection can carry another. */
  private boolean serve(HttpHead head, InputStream in) throws IOException {
    Request request = request(head);
    Exchange exchange = proxy.begin(request);
    Fault fault = proxy.faultFor(request).orElse(new Fault.Delay(Duration.ZERO));
    if (fault instanceof Fault.Status status) {
      return answer(errorAnswer(status), head, in, exchange);
    } else if (fault instanceof Fault.Answer answer) {
      return answer(answer, head, in, exchange);
    } else if (fault instanceof Fault.Hang) {
      awaitClientGone(in);
      return false;
    } else if (fault instanceof Fault.Delay delay) {
      proxy.pause(delay.time());
    }
    return pass(head, in, fault, exchange);
  }

  private static Request request(HttpHead head) {
    String target = head.word(1);
    int mark = target.indexOf('?');
    String path = mark < 0 ? target : target.substring(0, mark);
    String query = mark < 0 ? "" : target.substring(mark + 1);
    return new Request(
        head.word(0),
        path,
        query,
        head.header("Range").orElse(""),
        head.header("If-Match").orElse(""));
  }

  private static Fault.Answer errorAnswer(Fault.Status fault) {
    return new Fault.Answer(
        fault.status(),
        List.of("Content-Type: application/xml"),
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error><Code>%s</Code><Message>injected</Message><RequestId>0</RequestId></Error>"
            .formatted(fault.code()));
  }

  private boolean answer(Fault.Answer fault, HttpHead head, InputStream in, Exchange exchange)
      throws IOException {
    boolean bodyWillCome = !head.hasToken("Expect", "100-continue");
    if (bodyWillCome) {
      copyBody(head, in, OutputStream.nullOutputStream());
    }
    byte[] body = fault.body().getBytes(StandardCharsets.UTF_8);
    StringBuilder text = new StringBuilder("HTTP/1.1 " + fault.status() + " Injected\r\n");
    fault.headers().forEach(header -> text.append(header).append("\r\n"));
    text.append("Content-Length: ").append(body.length).append("\r\n");
    text.append(bodyWillCome ? "" : "Connection: close\r\n").append("\r\n");
    OutputStream out = client.getOutputStream();
    out.write(text.toString().getBytes(StandardCharsets.ISO_8859_1));
    long bodyBytes = head.word(0).equals("HEAD") ? 0 : body.length;
    out.write(body, 0, (int) bodyBytes);
    proxy.record(exchange, ended(exchange, fault.status(), bodyBytes));
    return bodyWillCome;
  }

  private static Exchange ended(Exchange exchange, int status, long bodyBytes) {
    return new Exchange(
        exchange.request(), status, bodyBytes, exchange.startNanos(), System.nanoTime());
  }

  private void awaitClientGone(InputStream in) throws IOException {
    byte[] ignored = new byte[8192];
    while (in.read(ignored) >= 0) {
      // The body of a request that is never answered.
    }
  }

  private boolean pass(HttpHead head, InputStream in, Fault fault, Exchange exchange)
      throws IOException {
    HttpHead answer = exchangeHeads(head, in);
    if (fault instanceof Fault.ResetInsteadOfAnswer) {
      reset();
      return false;
    }
    int status = Integer.parseInt(answer.word(1));
    OutputStream out = client.getOutputStream();
    out.write(answer.bytes());
    out.flush();
    Exchange answered =
        proxy.record(
            exchange, new Exchange(exchange.request(), status, 0, exchange.startNanos(), 0));
    FaultyBody body = new FaultyBody(out, fault);
    boolean hasBody = !head.word(0).equals("HEAD") && status != 204 && status != 304;
    boolean isDelimited = true;
    try {
      if (hasBody) {
        isDelimited = copyBody(answer, requireUpstreamIn(), body);
      }
    } catch (FaultyBody.Break broken) {
      proxy.record(answered, ended(answered, status, body.bytes()));
      endBroken(fault, in);
      return false;
    }
    proxy.record(answered, ended(answered, status, body.bytes()));
    return isDelimited
        && !answer.hasToken("Connection", "close")
        && !head.hasToken("Connection", "close");
  }

  private void endBroken(Fault fault, InputStream in) throws IOException {
    if (fault instanceof Fault.Reset) {
      reset();
    } else if (fault instanceof Fault.Stall) {
      awaitClientGone(in);
    }
  }

  /**
   * Sends the request to the server and returns the head of its final answer; what comes before
   * that goes to the client.
   */
  private HttpHead exchangeHeads(HttpHead head, InputStream in) throws IOException {
    boolean hasBody = head.isChunked() || head.contentLength().orElse(0L) > 0;
    Optional<HttpHead> answer = Optional.empty();
    try {
      answer = trySend(head, in, hasBody);
    } catch (IOException e) {
      if (hasBody) {
        throw e;
      }
    }
    if (answer.isEmpty() && !hasBody) {
      // The server had closed an idle connection: what every client does then is to ask again on a
      // new one.
      closeUpstream();
      upstream = null;
      answer = trySend(head, in, false);
    }
    return answer.orElseThrow(() -> new EOFException("the server closed without an answer"));
  }

  private Optional<HttpHead> trySend(HttpHead head, InputStream in, boolean hasBody)
      throws IOException {
    Socket to = connect();
    OutputStream out = to.getOutputStream();
    out.write(head.bytes());
    out.flush();
    boolean isBodySent = !hasBody;
    if (hasBody && !head.hasToken("Expect", "100-continue")) {
      copyBody(head, in, out);
      isBodySent = true;
    }
    Optional<HttpHead> answer = HttpHead.read(requireUpstreamIn());
    while (answer.isPresent() && answer.get().word(1).startsWith("1")) {
      client.getOutputStream().write(answer.get().bytes());
      if (!isBodySent) {
        copyBody(head, in, out);
        isBodySent = true;
      }
      answer = HttpHead.read(requireUpstreamIn());
    }
    return answer;
  }

  private Socket connect() throws IOException {
    Socket open = upstream;
    if (open == null || open.isClosed()) {
      open = new Socket(server.getHost(), server.getPort());
      open.setTcpNoDelay(true);
      upstream = open;
      upstreamIn = new BufferedInputStream(open.getInputStream());
    }
    return open;
  }

  private InputStream requireUpstreamIn() {
    InputStream in = upstreamIn;
    if (in == null) {
      throw new IllegalStateException("not connected");
    }
    return in;
  }

  /**
   * Copies the body that follows {@code head}; returns whether its end was marked by anything but
   * the end of the stream.
   */
  private static boolean copyBody(HttpHead head, InputStream from, OutputStream to)
      throws IOException {
    if (head.isChunked()) {
      copyChunks(from, to);
      return true;
    }
    Optional<Long> length = head.contentLength();
    if (length.isPresent()) {
      copy(from, to, length.get());
    } else if (head.word(0).startsWith("HTTP/")) {
      from.transferTo(to);
      return false;
    }
    return true;
  }

  private static void copyChunks(InputStream from, OutputStream to) throws IOException {
    long chunkBytes;
    do {
      String line = readLine(from);
      to.write(line.getBytes(StandardCharsets.ISO_8859_1));
      chunkBytes = Long.parseLong(line.trim().split(";", 2)[0], 16);
      copy(from, to, chunkBytes);
      String end = readLine(from);
      while (chunkBytes == 0 && !end.equals("\r\n")) {
        to.write(end.getBytes(StandardCharsets.ISO_8859_1));
        end = readLine(from);
      }
      to.write(end.getBytes(StandardCharsets.ISO_8859_1));
    } while (chunkBytes > 0);
    to.flush();
  }

  private static String readLine(InputStream from) throws IOException {
    StringBuilder line = new StringBuilder();
    while (line.length() < 2 || line.charAt(line.length() - 1) != '\n') {
      int b = from.read();
      if (b < 0) {
        throw new EOFException("stream ended within a chunked body");
      }
      line.append((char) b);
    }
    return line.toString();
  }

  private static void copy(InputStream from, OutputStream to, long bytes) throws IOException {
    byte[] buffer = new byte[1 << 14];
    long left = bytes;
    while (left > 0) {
      int n = from.read(buffer, 0, (int) Math.min(buffer.length, left));
      if (n < 0) {
        throw new EOFException("stream ended " + left + " bytes early");
      }
      to.write(buffer, 0, n);
      left -= n;
    }
    to.flush();
  }
}
