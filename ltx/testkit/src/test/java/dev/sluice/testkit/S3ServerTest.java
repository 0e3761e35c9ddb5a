package dev.sluice.testkit;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import org.junit.jupiter.api.Test;

final class S3ServerTest {
  private final S3Server server = S3Server.shared();

  @Test
  void whatWasPutIsReadBackWithItsMd5AsETag() {
    String bucket = server.createBucket();
    server.put(bucket, "a/b.ltx", "hello".getBytes(java.nio.charset.StandardCharsets.US_ASCII));
    assertEquals(
        "hello",
        new String(server.get(bucket, "a/b.ltx"), java.nio.charset.StandardCharsets.US_ASCII));
    assertEquals("\"5d41402abc4b2a76b9719d911017c592\"", server.header(bucket, "a/b.ltx", "ETag"));
    server.delete(bucket, "a/b.ltx");
    assertThrows(IllegalStateException.class, () -> server.get(bucket, "a/b.ltx"));
  }

  @Test
  void anUnsignedRequestIsRefusedAtTheSignedPort() throws Exception {
    String bucket = server.createBucket();
    HttpRequest request = HttpRequest.newBuilder(server.endpoint().resolve("/" + bucket)).build();
    HttpResponse<String> response =
        HttpClient.newHttpClient().send(request, BodyHandlers.ofString());
    assertEquals(403, response.statusCode(), response.body());
  }

  @Test
  void aServerOfOnesOwnSeesNothingOfTheSharedOne() {
    String bucket = server.createBucket();
    server.put(bucket, "k", new byte[] {1});
    try (S3Server own = S3Server.start()) {
      own.createBucket(bucket);
      assertThrows(IllegalStateException.class, () -> own.get(bucket, "k"));
    }
    assertArrayEquals(new byte[] {1}, server.get(bucket, "k"));
  }
}
