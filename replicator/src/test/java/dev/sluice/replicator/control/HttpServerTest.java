package dev.sluice.replicator.control;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.net.SocketException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

final class HttpServerTest {
  private static final int SURELY_MILLIS = 30_000;
  private static final int CONNECTIONS = 3;

  private final Set<CountDownLatch> latches = ConcurrentHashMap.newKeySet();
  private final HttpRoutes routes =
      new HttpRoutes()
          .on("GET", "/echo", call -> done(call.parameter("a").orElse("-")))
          .on("POST", "/echo", call -> done(call.body()))
          .on(
              "GET",
              "/broken",
              call -> {
                throw new IllegalStateException("a bug");
              });
  private final List<HttpServer> servers = new ArrayList<>();
  private final HttpClient client = HttpClient.newHttpClient();

  private static CompletableFuture<HttpReply> done(String text) {
    return CompletableFuture.completedFuture(HttpReply.text(HttpReply.OK, text));
  }

  private InetSocketAddress serve(Duration requestTime) {
    HttpServer server = new HttpServer(new HttpLimits(1000, 2000, 3000, CONNECTIONS, requestTime));
    servers.add(server);
    try {
      return server.listen(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), routes);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  @AfterEach
  void close() {
    latches.forEach(CountDownLatch::countDown);
    servers.forEach(HttpServer::close);
  }

  private static Socket connect(InetSocketAddress address) throws IOException {
    Socket socket = new Socket(address.getAddress(), address.getPort());
    socket.setSoTimeout(SURELY_MILLIS);
    return socket;
  }

  /** Sends bytes, and returns what comes until the server closes. */
  private static String exchange(InetSocketAddress address, String request) throws IOException {
    try (Socket socket = connect(address)) {
      socket.getOutputStream().write(request.getBytes(StandardCharsets.US_ASCII));
      return rest(socket);
    }
  }

  private static String rest(Socket socket) throws IOException {
    StringBuilder text = new StringBuilder();
    InputStream in = socket.getInputStream();
    try {
      for (int b = in.read(); b >= 0; b = in.read()) {
        text.append((char) b);
      }
    } catch (SocketException e) {
      text.append("<reset>");
    }
    return text.toString();
  }

  private HttpResponse<String> ask(String method, InetSocketAddress address, String path)
      throws Exception {
    URI uri = URI.create("http://localhost:" + address.getPort() + path);
    return client.send(
        HttpRequest.newBuilder(uri)
            .method(method, HttpRequest.BodyPublishers.ofString("body"))
            .timeout(Duration.ofMillis(SURELY_MILLIS))
            .build(),
        HttpResponse.BodyHandlers.ofString());
  }

  @Test
  void requestIsAnsweredByItsRoute() throws Exception {
    InetSocketAddress address = serve(Duration.ofSeconds(30));
    assertEquals("x y", ask("GET", address, "/echo?a=x%20y&b=1").body());
    assertEquals("body", ask("POST", address, "/echo").body());
    HttpResponse<String> none = ask("GET", address, "/nowhere");
    assertEquals(404, none.statusCode());
    assertEquals("{\"error\":\"no such endpoint: /nowhere; [/broken, /echo]\"}\n", none.body());
    HttpResponse<String> wrong = ask("DELETE", address, "/echo");
    assertEquals(405, wrong.statusCode());
    assertEquals("{\"error\":\"/echo takes GET, POST only\"}\n", wrong.body());
    assertEquals(500, ask("GET", address, "/broken").statusCode());
    assertEquals("", ask("HEAD", address, "/echo?a=x").body());
  }

  @Test
  void clientThatStopsInTheMiddleOfARequestIsCutOff() throws IOException {
    InetSocketAddress address = serve(Duration.ofSeconds(1));
    for (String half :
        List.of("", "GET /ec", "POST /echo HTTP/1.1\r\ncontent-length: 4\r\n\r\nbo")) {
      assertEquals("", exchange(address, half), half);
    }
    assertTrue(
        exchange(address, "GET /echo HTTP/1.0\r\n\r\n").endsWith("\r\n\r\n-"),
        "the next one is served");
  }

  @Test
  void requestThatIsTooLargeIsRefused() throws IOException {
    InetSocketAddress address = serve(Duration.ofSeconds(30));
    String body =
        exchange(
            address,
            "POST /echo HTTP/1.1\r\nconnection: close\r\ncontent-length: 3001\r\n\r\n"
                + "x".repeat(3001));
    assertTrue(body.startsWith("HTTP/1.1 413 "), body);
    String line = exchange(address, "GET /" + "x".repeat(1000) + " HTTP/1.1\r\n\r\n");
    assertTrue(line.startsWith("HTTP/1.1 400 "), line);
    String headers = exchange(address, "GET / HTTP/1.1\r\na: " + "x".repeat(2000) + "\r\n\r\n");
    assertTrue(headers.startsWith("HTTP/1.1 400 "), headers);
  }

  @Test
  void whatIsNoRequestIsRefused() throws IOException {
    InetSocketAddress address = serve(Duration.ofSeconds(30));
    String reply = exchange(address, "GET /echo?a=%zz HTTP/1.1\r\nconnection: close\r\n\r\n");
    assertTrue(reply.startsWith("HTTP/1.1 400 "), reply);
    String garbage = exchange(address, "\u0001\u0002\u0003\r\n\r\n");
    assertTrue(garbage.startsWith("HTTP/1.1 400 "), garbage);
  }

  @Test
  void requestsOnOneConnectionAreAnsweredInOrder() throws IOException {
    InetSocketAddress address = serve(Duration.ofSeconds(30));
    String replies =
        exchange(
            address,
            String.join(
                "\r\n",
                "GET /echo?a=one HTTP/1.1",
                "",
                "GET /echo?a=two HTTP/1.1",
                "",
                "GET /echo?a=three HTTP/1.1",
                "connection: close",
                "",
                ""));
    assertEquals(
        List.of("one", "two", "three"),
        replies
            .lines()
            .filter(line -> line.matches("(one|two|three).*"))
            .map(line -> line.replaceFirst("HTTP.*", ""))
            .toList());
  }

  @Test
  void requestThatTakesLongHindersNoOther() throws Exception {
    CountDownLatch arrived = new CountDownLatch(1);
    CompletableFuture<HttpReply> late = new CompletableFuture<>();
    routes.on(
        "GET",
        "/slow",
        call -> {
          arrived.countDown();
          return late;
        });
    InetSocketAddress address = serve(Duration.ofSeconds(30));
    CompletableFuture<HttpResponse<String>> slow =
        client.sendAsync(
            HttpRequest.newBuilder(URI.create("http://localhost:" + address.getPort() + "/slow"))
                .build(),
            HttpResponse.BodyHandlers.ofString());
    assertTrue(arrived.await(SURELY_MILLIS, TimeUnit.MILLISECONDS));
    assertEquals("x", ask("GET", address, "/echo?a=x").body());
    late.complete(HttpReply.text(HttpReply.OK, "late"));
    assertEquals("late", slow.get(SURELY_MILLIS, TimeUnit.MILLISECONDS).body());
  }

  @Test
  void connectionsAreLimited() throws IOException {
    InetSocketAddress address = serve(Duration.ofSeconds(30));
    List<Socket> open = new ArrayList<>();
    try {
      for (int i = 0; i < CONNECTIONS; i++) {
        Socket socket = connect(address);
        open.add(socket);
        socket
            .getOutputStream()
            .write("GET /echo HTTP/1.1\r\n\r\n".getBytes(StandardCharsets.US_ASCII));
        assertEquals('H', socket.getInputStream().read());
      }
      try (Socket refused = connect(address)) {
        assertEquals(-1, refused.getInputStream().read());
      }
      InetSocketAddress second =
          servers.get(0).listen(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), routes);
      try (Socket other = connect(second)) {
        other
            .getOutputStream()
            .write("GET /echo HTTP/1.1\r\n\r\n".getBytes(StandardCharsets.US_ASCII));
        assertEquals('H', other.getInputStream().read(), "each address has a limit of its own");
      }
    } finally {
      for (Socket socket : open) {
        socket.close();
      }
    }
  }
}
