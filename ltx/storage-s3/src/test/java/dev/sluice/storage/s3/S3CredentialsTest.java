package dev.sluice.storage.s3;

import static java.util.concurrent.TimeUnit.SECONDS;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sluice.ltx.Txid;
import dev.sluice.storage.ReplicaClient;
import dev.sluice.storage.ReplicaException;
import dev.sluice.storage.ReplicaUrl;
import dev.sluice.testkit.FaultProxy;
import dev.sluice.testkit.FaultProxy.Fault;
import dev.sluice.testkit.S3Server;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneId;
import java.time.ZoneOffset;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import software.amazon.awssdk.identity.spi.ResolveIdentityRequest;

/**
 * The SDK's own chain, when the environment names no credentials; its settings are system
 * properties of this JVM.
 */
final class S3CredentialsTest {
  private static final String FILE = "aws.sharedCredentialsFile";
  private static final String CONFIG = "aws.configFile";
  private static final String NO_METADATA = "aws.disableEc2Metadata";
  private static final String METADATA = "aws.ec2MetadataServiceEndpoint";

  private static final List<String> PROPERTIES =
      List.of(
          FILE,
          CONFIG,
          NO_METADATA,
          METADATA,
          "aws.roleArn",
          "aws.webIdentityTokenFile",
          "aws.endpointUrlSts",
          "aws.region",
          "aws.accessKeyId",
          "aws.secretAccessKey");

  private final S3Server server = S3Server.shared();
  private final String bucket = server.createBucket();

  @BeforeEach
  void hideTheCredentialsOfThisMachine(@TempDir Path empty) {
    Assumptions.assumeTrue(
        System.getenv("AWS_ACCESS_KEY_ID") == null, "the chain reads the process's variables");
    System.setProperty(FILE, empty.resolve("none").toString());
    System.setProperty(CONFIG, empty.resolve("none").toString());
  }

  @AfterEach
  void restore() {
    for (String property : PROPERTIES) {
      System.clearProperty(property);
    }
  }

  private ReplicaClient client() {
    ReplicaUrl url = ReplicaUrl.parse("s3://" + bucket + "/db?endpoint=" + server.endpoint());
    return S3ReplicaClient.open(url, S3TestEnvironment.of(Map.of()));
  }

  @Test
  void withoutCredentialsACallIsDenied() {
    System.setProperty(NO_METADATA, "true");
    try (ReplicaClient client = client()) {
      CompletableFuture<?> call = client.list(0, Txid.FIRST);
      ExecutionException e = assertThrows(ExecutionException.class, () -> call.get(20, SECONDS));
      ReplicaException.Denied denied =
          assertInstanceOf(ReplicaException.Denied.class, e.getCause());
      String message = String.valueOf(denied.getMessage());
      assertTrue(message.contains("no credentials found (WebIdentityTokenFile: "), message);
      assertTrue(message.contains("; Profile: Profile file contained no"), message);
      assertTrue(message.contains("; Container: Cannot fetch"), message);
      assertTrue(
          message.endsWith(
              "; InstanceProfile: IMDS credentials have been disabled by environment variable or system property)"),
          message);
    }
  }

  @Test
  void whatLooksLikeAKeyIsNotRepeated() {
    assertEquals(
        " (Profile: cannot parse '***' of AWS_WEB_IDENTITY_TOKEN_FILE)",
        S3Credentials.reasons(
            "chain Chain(x=[ProfileCredentialsProvider()]) : [ProfileCredentialsProvider(a=B(c=[])): cannot parse 'wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY' of AWS_WEB_IDENTITY_TOKEN_FILE]"));
    assertEquals("", S3Credentials.reasons("null"));
  }

  @Test
  void whatTheChainGaveIsKeptForAWhile() throws Exception {
    System.setProperty("aws.accessKeyId", "one");
    System.setProperty("aws.secretAccessKey", "secret");
    AtomicReference<Instant> now = new AtomicReference<>(Instant.EPOCH);
    Clock clock =
        new Clock() {
          @Override
          public Instant instant() {
            return Objects.requireNonNull(now.get());
          }

          @Override
          public ZoneId getZone() {
            return ZoneOffset.UTC;
          }

          @Override
          public Clock withZone(ZoneId zone) {
            return this;
          }
        };
    try (S3Credentials credentials = new S3Credentials(S3TestEnvironment.of(Map.of()), clock)) {
      assertTrue(credentials.mayWait());
      assertEquals("one", accessKey(credentials));
      assertFalse(credentials.mayWait());
      System.setProperty("aws.accessKeyId", "two");
      assertEquals("one", accessKey(credentials));
      now.set(Instant.EPOCH.plusSeconds(60));
      assertTrue(credentials.mayWait());
      assertEquals("two", accessKey(credentials));
    }
  }

  private static String accessKey(S3Credentials credentials) throws Exception {
    return credentials
        .resolveIdentity(ResolveIdentityRequest.builder().build())
        .get(20, SECONDS)
        .accessKeyId();
  }

  @Test
  void webIdentityIsExchangedForCredentials(@TempDir Path folder) throws Exception {
    try (FaultProxy tokens = FaultProxy.before(server.endpoint())) {
      tokens.inject(
          request -> true,
          new Fault.Answer(
              200,
              List.of("Content-Type: text/xml"),
              ("<AssumeRoleWithWebIdentityResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\">"
                      + "<AssumeRoleWithWebIdentityResult><Credentials><AccessKeyId>%s</AccessKeyId>"
                      + "<SecretAccessKey>%s</SecretAccessKey><SessionToken>t</SessionToken>"
                      + "<Expiration>2099-01-01T00:00:00Z</Expiration></Credentials>"
                      + "</AssumeRoleWithWebIdentityResult></AssumeRoleWithWebIdentityResponse>")
                  .formatted(S3Server.ACCESS_KEY_ID, S3Server.SECRET_ACCESS_KEY)));
      System.setProperty(NO_METADATA, "true");
      System.setProperty("aws.roleArn", "arn:aws:iam::123456789012:role/reader");
      System.setProperty(
          "aws.webIdentityTokenFile",
          Files.writeString(folder.resolve("token"), "a-web-token").toString());
      System.setProperty("aws.endpointUrlSts", tokens.endpoint().toString());
      System.setProperty("aws.region", "us-east-1");
      try (ReplicaClient client = client()) {
        assertEquals(List.of(), client.list(0, Txid.FIRST).get(20, SECONDS));
        assertEquals(1, tokens.count("POST"));
      }
    }
  }

  @Test
  void aMetadataServiceThatHangsBlocksNeitherTheCallerNorItsCancellation() throws Exception {
    try (FaultProxy metadata = FaultProxy.before(server.endpoint())) {
      metadata.inject(request -> true, new Fault.Hang());
      System.setProperty(METADATA, metadata.endpoint().toString());
      try (ReplicaClient client = client()) {
        CompletableFuture<?> call = client.list(0, Txid.FIRST);
        metadata.await(proxy -> !proxy.log().isEmpty(), Duration.ofSeconds(20));
        assertEquals(0, metadata.log().get(0).status());
        call.cancel(true);
        assertTrue(call.isCancelled());
      }
    }
  }
}
