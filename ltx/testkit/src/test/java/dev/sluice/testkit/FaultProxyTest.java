package dev.sluice.testkit;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sluice.testkit.FaultProxy.Fault;
import java.io.IOException;
import java.net.ConnectException;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.net.http.HttpTimeoutException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

final class FaultProxyTest {
  private static final Duration LIMIT = Duration.ofSeconds(20);

  private final S3Server server = S3Server.shared();
  private final FaultProxy proxy = FaultProxy.before(server.anonymousEndpoint());
  private final HttpClient http =
      HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build();
  private final byte[] content = new byte[100_000];
  private final String bucket = server.createBucket();

  @BeforeEach
  void putAnObject() {
    new Random(7).nextBytes(content);
    server.put(bucket, "k", content);
  }

  @AfterEach
  void close() {
    proxy.close();
  }

  private HttpRequest.Builder request() {
    return HttpRequest.newBuilder(proxy.endpoint().resolve("/" + bucket + "/k"));
  }

  private HttpResponse<byte[]> get() throws Exception {
    return http.send(request().build(), BodyHandlers.ofByteArray());
  }

  @Test
  void withoutRulesEverythingPassesAndIsLogged() throws Exception {
    assertArrayEquals(content, get().body());
    HttpRequest ranged = request().header("Range", "bytes=5-9").build();
    assertEquals(206, http.send(ranged, BodyHandlers.ofByteArray()).statusCode());
    HttpRequest put = request().PUT(BodyPublishers.ofByteArray(new byte[] {1, 2})).build();
    assertEquals(200, http.send(put, BodyHandlers.discarding()).statusCode());
    assertArrayEquals(new byte[] {1, 2}, get().body());
    assertEquals(
        List.of("GET", "GET", "PUT", "GET"),
        proxy.log().stream().map(e -> e.request().method()).toList());
    FaultProxy.Exchange second = proxy.log().get(1);
    assertEquals("bytes=5-9", second.request().range());
    assertEquals("/" + bucket + "/k", second.request().path());
    assertEquals(5, second.bodyBytes());
    assertEquals(1, proxy.connectionCount(), "keep-alive");
  }

  @Test
  void anAnswerIsGivenAsItIs() throws Exception {
    proxy.inject(
        1,
        r -> r.ifMatch().equals("\"x\""),
        new Fault.Answer(206, List.of("ETag: y", "Content-Range: bytes 1-3/9"), "a\u00e4"));
    HttpRequest conditional = request().header("If-Match", "\"x\"").build();
    HttpResponse<String> answer = http.send(conditional, BodyHandlers.ofString());
    assertEquals(206, answer.statusCode());
    assertEquals("y", answer.headers().firstValue("etag").orElse(""));
    assertEquals("bytes 1-3/9", answer.headers().firstValue("content-range").orElse(""));
    assertEquals("a\u00e4", answer.body());
    assertArrayEquals(content, get().body());
    assertEquals(1, proxy.connectionCount(), "keep-alive");
  }

  @Test
  void aStatusIsAnsweredInTheServersPlaceAndTheConnectionLives() throws Exception {
    proxy.inject(1, r -> r.method().equals("GET"), new Fault.Status(503, "SlowDown"));
    HttpResponse<byte[]> refused = get();
    assertEquals(503, refused.statusCode());
    assertTrue(
        new String(refused.body(), java.nio.charset.StandardCharsets.US_ASCII)
            .contains("<Code>SlowDown</Code>"));
    assertArrayEquals(content, get().body());
    assertEquals(1, proxy.connectionCount());
  }

  @Test
  void delayedRequestsRunInParallel() throws Exception {
    Duration delay = Duration.ofMillis(300);
    proxy.inject(r -> true, new Fault.Delay(delay));
    List<CompletableFuture<HttpResponse<byte[]>>> answers = new ArrayList<>();
    for (int i = 0; i < 8; i++) {
      answers.add(http.sendAsync(request().build(), BodyHandlers.ofByteArray()));
    }
    answers.forEach(CompletableFuture::join);
    proxy.await(p -> p.log().stream().filter(e -> e.endNanos() != 0).count() == 8, LIMIT);
    List<FaultProxy.Exchange> log = proxy.log();
    assertEquals(8, log.size());
    assertTrue(
        log.stream().allMatch(e -> e.endNanos() - e.startNanos() >= delay.toNanos()), "each waits");
    long firstEnd = log.stream().mapToLong(FaultProxy.Exchange::endNanos).min().orElseThrow();
    assertTrue(log.stream().filter(e -> e.startNanos() < firstEnd).count() > 1, "they overlap");
  }

  @Test
  void aRefusedConnectionComesBackAfterHealing() throws Exception {
    get();
    proxy.refuse();
    assertThrows(ConnectException.class, this::get);
    proxy.heal();
    assertArrayEquals(content, get().body());
  }

  @Test
  void aHangingRequestEndsWhenItsClientLeaves() throws Exception {
    proxy.inject(r -> true, new Fault.Hang());
    HttpRequest request = request().timeout(Duration.ofMillis(200)).build();
    assertThrows(HttpTimeoutException.class, () -> http.send(request, BodyHandlers.ofByteArray()));
    proxy.await(p -> p.connectionCount() == 0, LIMIT);
    assertEquals(0, proxy.log().get(0).status());
  }

  @Test
  void aBodyBreaksWhereItWasTold() {
    proxy.inject(1, r -> true, new Fault.Reset(50_000));
    assertThrows(IOException.class, this::get);
    proxy.inject(1, r -> true, new Fault.Truncate(60_000));
    assertThrows(IOException.class, this::get);
    assertEquals(
        List.of(50_000L, 60_000L),
        proxy.log().stream().map(FaultProxy.Exchange::bodyBytes).toList());
  }

  @Test
  void aResetInsteadOfAnAnswerHappensAfterTheServersWork() throws Exception {
    proxy.inject(1, r -> r.method().equals("PUT"), new Fault.ResetInsteadOfAnswer());
    HttpRequest put = request().PUT(BodyPublishers.ofByteArray(new byte[] {9})).build();
    assertThrows(IOException.class, () -> http.send(put, BodyHandlers.discarding()));
    assertArrayEquals(new byte[] {9}, server.get(bucket, "k"));
  }

  @Test
  void oneBitIsFlipped() throws Exception {
    proxy.inject(1, r -> true, new Fault.Flip(70_001));
    byte[] got = get().body();
    got[70_001] ^= 1;
    assertArrayEquals(content, got);
  }

  @Test
  void closeEndsHangingRequests() throws Exception {
    proxy.inject(r -> true, new Fault.Hang());
    CompletableFuture<HttpResponse<byte[]>> hanging =
        http.sendAsync(request().build(), BodyHandlers.ofByteArray());
    proxy.await(p -> p.log().size() == 1, LIMIT);
    proxy.close();
    assertThrows(
        java.util.concurrent.ExecutionException.class,
        () -> hanging.get(20, java.util.concurrent.TimeUnit.SECONDS));
    assertEquals(0, proxy.connectionCount());
  }
}
