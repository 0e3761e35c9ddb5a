package dev.sluice.storage.s3;

import static java.nio.charset.StandardCharsets.UTF_8;
import static java.util.concurrent.TimeUnit.SECONDS;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sluice.ltx.Txid;
import dev.sluice.ltx.TxidRange;
import dev.sluice.storage.LtxFile;
import dev.sluice.storage.LtxFileName;
import dev.sluice.storage.ReplicaClient;
import dev.sluice.storage.ReplicaException;
import dev.sluice.storage.ReplicaUrl;
import dev.sluice.testkit.FaultProxy;
import dev.sluice.testkit.FaultProxy.Fault;
import dev.sluice.testkit.S3Server;
import java.time.Instant;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Answers of servers, or of what stands before them, that are complete and yet wrong. */
final class S3AnswersTest {
  private static final LtxFileName NAME = new LtxFileName(0, new TxidRange(Txid.FIRST, Txid.FIRST));
  private static final String KEY = "db/0000/0000000000000001-0000000000000001.ltx";
  private static final String OBJECT =
      "<Contents><Key>"
          + KEY
          + "</Key><LastModified>2026-11-20T10:00:00.000Z</LastModified><ETag>&quot;e&quot;</ETag><Size>10</Size></Contents>";
  private static final String COMPLETE = "<IsTruncated>false</IsTruncated>";

  private final S3Server server = S3Server.shared();
  private final FaultProxy proxy = FaultProxy.before(server.endpoint());
  private final String bucket = server.createBucket();
  private final ReplicaClient client =
      S3ReplicaClient.open(
          ReplicaUrl.parse("s3://" + bucket + "/db?endpoint=" + proxy.endpoint()),
          S3TestEnvironment.withCredentials());

  @BeforeEach
  void putAFile() {
    server.put(bucket, KEY, new byte[] {0, 1, 2, 3, 4, 5, 6, 7, 8, 9});
  }

  @AfterEach
  void close() {
    client.close();
    proxy.close();
  }

  private static <T> T get(CompletableFuture<T> future) throws Exception {
    return future.get(20, SECONDS);
  }

  private static String fails(Class<? extends ReplicaException> type, CompletableFuture<?> future) {
    ExecutionException e = assertThrows(ExecutionException.class, () -> get(future));
    return String.valueOf(assertInstanceOf(type, e.getCause(), String.valueOf(e)).getMessage());
  }

  private void answerLists(String body) {
    proxy.inject(
        request -> request.query().contains("list-type=2"),
        new Fault.Answer(200, List.of("Content-Type: application/xml"), body));
  }

  private static String listing(String content) {
    return "<?xml version=\"1.0\" encoding=\"UTF-8\"?><ListBucketResult xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">"
        + "<Name>b</Name>"
        + content
        + "</ListBucketResult>";
  }

  private List<LtxFile> list() throws Exception {
    return get(client.list(0, Txid.FIRST));
  }

  @Test
  void whatIsNoListingIsNotAnEmptyOne() {
    for (String body :
        List.of("", "<html><body><p>Log in to this network</p></body></html>", "<a/>")) {
      answerLists(body);
      fails(ReplicaException.Unavailable.class, client.list(0, Txid.FIRST));
    }
  }

  @Test
  void anEmptyListingIsOne() throws Exception {
    answerLists(listing(COMPLETE));
    assertEquals(List.of(), list());
    answerLists(listing(""));
    assertEquals(List.of(), list());
    answerLists(listing(COMPLETE + OBJECT));
    assertEquals(1, list().size());
  }

  @Test
  void aPageThatIsNotTheLastNeedsAToken() {
    answerLists(listing("<IsTruncated>true</IsTruncated>" + OBJECT));
    String message = fails(ReplicaException.Unavailable.class, client.list(0, Txid.FIRST));
    assertTrue(message.contains("no continuation token"), message);
  }

  @Test
  void aServerThatRepeatsItsTokenIsNotAskedForEver() {
    answerLists(
        listing(
            "<IsTruncated>true</IsTruncated><NextContinuationToken>t</NextContinuationToken>"
                + OBJECT));
    String message = fails(ReplicaException.Unavailable.class, client.list(0, Txid.FIRST));
    assertTrue(message.contains("same continuation token"), message);
    assertEquals(2, proxy.count("GET"));
  }

  @Test
  void anObjectWithoutWhatAFileNeedsIsNamed() {
    for (String lacking :
        List.of(
            OBJECT.replace("<ETag>&quot;e&quot;</ETag>", ""),
            OBJECT.replace("<Size>10</Size>", ""),
            OBJECT.replace("<Size>10</Size>", "<Size>-1</Size>"))) {
      answerLists(listing(COMPLETE + lacking));
      String message = fails(ReplicaException.Unavailable.class, client.list(0, Txid.FIRST));
      assertTrue(message.contains(KEY), message);
    }
    answerLists(listing(COMPLETE + OBJECT.replace("<Key>" + KEY + "</Key>", "")));
    fails(ReplicaException.Unavailable.class, client.list(0, Txid.FIRST));
  }

  @Test
  void anObjectWithoutItsTimeIsListed() throws Exception {
    answerLists(
        listing(
            COMPLETE
                + OBJECT.replace("<LastModified>2026-11-20T10:00:00.000Z</LastModified>", "")));
    assertEquals(Instant.EPOCH, list().get(0).created());
  }

  @Test
  void aVersionIsTheSameHoweverItsETagIsWritten() throws Exception {
    LtxFile listed = list().get(0);
    assertEquals(listed.version(), get(client.readTail(NAME, 4)).file().version());
    for (String written : List.of("%s", "&quot;%s&quot;", "W/&quot;%s&quot;")) {
      answerLists(
          listing(COMPLETE + OBJECT.replace("&quot;e&quot;", written.formatted(listed.version()))));
      LtxFile file = list().get(0);
      assertEquals(listed.version(), file.version());
      assertArrayEquals(new byte[] {2, 3}, get(client.read(file, 2, 2)));
      FaultProxy.Request read = proxy.log().get(proxy.log().size() - 1).request();
      assertEquals("\"" + listed.version() + "\"", read.ifMatch());
    }
    proxy.inject(
        r -> r.range().equals("bytes=-4"),
        new Fault.Answer(
            206,
            List.of("ETag: W/\"" + listed.version() + "\"", "Content-Range: bytes 6-9/10"),
            "6789"));
    assertEquals(listed.version(), get(client.readTail(NAME, 4)).file().version());
  }

  private void answerRanges(String contentRange, String body) {
    proxy.inject(
        r -> !r.range().isEmpty(),
        new Fault.Answer(
            206, List.of("ETag: \"e\"", "Content-Range: bytes " + contentRange), body));
  }

  @Test
  void anotherRangeThanAskedForIsUnavailable() throws Exception {
    LtxFile file = list().get(0);
    answerRanges("2-5/10", "2345");
    assertEquals("2345", new String(get(client.read(file, 2, 4)), UTF_8));
    for (String range : List.of("0-3/10", "3-6/10", "2-4/10", "2-1/10", "x-5/10")) {
      answerRanges(range, "2345");
      String message = fails(ReplicaException.Unavailable.class, client.read(file, 2, 4));
      assertTrue(message.contains("Content-Range bytes " + range), message);
    }
    answerRanges("6-9/10", "6789");
    assertEquals(10, get(client.readTail(NAME, 4)).file().size());
    for (String range : List.of("0-3/10", "6-9/20", "7-9/10", "6-9/*")) {
      answerRanges(range, "6789");
      String message = fails(ReplicaException.Unavailable.class, client.readTail(NAME, 4));
      assertTrue(message.contains("Content-Range bytes " + range), message);
    }
    answerRanges("0-3/4", "0123");
    assertEquals(4, get(client.readTail(NAME, 100)).bytes().length);
  }

  @Test
  void aServerThatKnowsNoRangesIsUnavailable() throws Exception {
    LtxFile file = list().get(0);
    proxy.inject(
        r -> !r.range().isEmpty(), new Fault.Answer(200, List.of("ETag: \"e\""), "0123456789"));
    fails(ReplicaException.Unavailable.class, client.read(file, 0, 4));
    fails(ReplicaException.Unavailable.class, client.readTail(NAME, 4));
    assertEquals(10, get(client.read(file, 0, 10)).length);
    proxy.inject(r -> !r.range().isEmpty(), new Fault.Answer(200, List.of("ETag: \"e\""), "0123"));
    fails(ReplicaException.Unavailable.class, client.read(file, 2, 4));
  }

  @Test
  void aBucketThatIsElsewhereIsSaidWithItsRegion() {
    proxy.inject(
        r -> true,
        new Fault.Answer(
            301,
            List.of("x-amz-bucket-region: eu-west-3"),
            "<Error><Code>PermanentRedirect</Code></Error>"));
    String message = fails(ReplicaException.Denied.class, client.list(0, Txid.FIRST));
    assertTrue(message.contains("301 PermanentRedirect"), message);
    assertTrue(message.contains("region eu-west-3"), message);
    proxy.inject(
        r -> true,
        new Fault.Answer(307, List.of(), "<Error><Code>TemporaryRedirect</Code></Error>"));
    fails(ReplicaException.Unavailable.class, client.list(0, Txid.FIRST));
  }

  @Test
  void whatTheSdkRefusesToSendIsDenied() {
    String point =
        "s3://arn:aws:s3:us-west-2:123456789012:accesspoint/name/db?force-path-style=true";
    try (ReplicaClient refused =
        S3ReplicaClient.open(ReplicaUrl.parse(point), S3TestEnvironment.withCredentials())) {
      String message = fails(ReplicaException.Denied.class, refused.list(0, Txid.FIRST));
      assertTrue(message.contains("Path-style"), message);
    }
  }
}
