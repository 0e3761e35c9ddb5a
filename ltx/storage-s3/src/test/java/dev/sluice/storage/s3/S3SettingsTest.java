package dev.sluice.storage.s3;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sluice.storage.ReplicaUrl;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;

final class S3SettingsTest {
  private static final String KEY = "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=";

  private static S3Settings settings(String url) {
    return S3Settings.of(ReplicaUrl.parse(url), S3TestEnvironment.of(Map.of()));
  }

  private static String refusal(String url) {
    return String.valueOf(
        assertThrows(IllegalArgumentException.class, () -> settings(url)).getMessage());
  }

  private static String endpoint(String url) {
    return settings(url).endpoint().map(e -> e.uri().toString()).orElse("AWS");
  }

  @Test
  void bothSpellingsOfEveryKeyMeanTheSame() {
    S3Settings kebab =
        settings(
            "s3://b/db?endpoint=http://h:9000&region=eu-west-1&force-path-style=false&skip-verify=true&sign-payload=false"
                + "&require-content-md5=false&storage-class=STANDARD_IA&part-size=6000000&concurrency=3&sse-kms-key-id=k");
    S3Settings camel =
        settings(
            "s3://b/db?endpoint=http://h:9000&region=eu-west-1&forcePathStyle=false&skipVerify=true&signPayload=false"
                + "&requireContentMD5=false&storageClass=STANDARD_IA&partSize=6000000&concurrency=3&sseKmsKeyId=k");
    assertEquals(kebab, camel);
    assertFalse(kebab.isPathStyle());
    assertTrue(kebab.skipVerify());
    assertFalse(kebab.signPayload());
    assertFalse(kebab.requireContentMd5());
    assertEquals(Optional.of("STANDARD_IA"), kebab.storageClass());
    assertEquals(6_000_000, kebab.partBytes());
    assertEquals(3, kebab.partsAtOnce());
    assertEquals(new S3Encryption.Kms("k"), kebab.encryption());
    S3Settings sse =
        settings(
            "s3://b/db?sse-customer-key="
                + KEY
                + "&sse-customer-algorithm=AES256&sse-customer-key-md5=eA==");
    assertEquals(
        sse,
        settings(
            "s3://b/db?sseCustomerKey="
                + KEY
                + "&sseCustomerAlgorithm=AES256&sseCustomerKeyMD5=eA=="));
    S3Encryption.CustomerKey key =
        assertInstanceOf(S3Encryption.CustomerKey.class, sse.encryption());
    assertEquals("eA==", key.keyMd5());
  }

  @Test
  void aCustomerKeyIsCheckedAndNeverShown() {
    S3Settings sse = settings("s3://b/db?sse-customer-key=" + KEY);
    assertInstanceOf(S3Encryption.CustomerKey.class, sse.encryption());
    assertFalse(sse.toString().contains(KEY), sse.toString());
    assertFalse(refusal("s3://b/db?sse-customer-key=c2hvcnQ=").contains("c2hvcnQ"));
    assertTrue(
        refusal("s3://b/db?sse-customer-key=" + KEY + "&sse-kms-key-id=k").contains("exclude"));
    assertTrue(
        refusal("s3://b/db?endpoint=http://h.example&sse-customer-key=" + KEY).contains("https"));
    assertTrue(
        refusal("s3://b/db?sse-customer-algorithm=DES&sse-customer-key=" + KEY).contains("AES256"));
  }

  @Test
  void anUnknownKeyIsRefusedWithTheNearestKnown() {
    assertEquals(
        "s3: unknown query key regoin (did you mean region?)", refusal("s3://b/db?regoin=x"));
    assertTrue(refusal("s3://b/db?force-path=true").contains("unknown query key force-path"));
    assertTrue(refusal("s3://b/db?something-else-entirely=1").contains("known: endpoint, region"));
  }

  @Test
  void aWrongValueIsRefusedAndNotQuoted() {
    assertEquals(
        "s3: skip-verify is neither true nor false", refusal("s3://b/db?skip-verify=maybe"));
    assertEquals(
        "s3: part-size=1000 is not in 5242880..5368709120", refusal("s3://b/db?part-size=1000"));
    assertEquals("s3: concurrency is not a whole number", refusal("s3://b/db?concurrency=x"));
    assertTrue(refusal("s3://b/db?endpoint=http://u:pass@h").startsWith("s3: endpoint is not"));
    assertFalse(refusal("s3://AKID:sesame@b/db").contains("sesame"));
  }

  @Test
  void whatCanBeInNoRequestIsRefusedAtOnce() {
    assertTrue(refusal("s3://b/db?region=eu west").contains("region=eu west"));
    assertTrue(refusal("s3://b/db?region=a.b").contains("region=a.b"));
    assertTrue(refusal("s3://buck%20et/db").contains("\"buck et\""));
    assertTrue(refusal("s3://UPPER_case/db").contains("force-path-style=true"));
    assertEquals("UPPER_case", settings("s3://UPPER_case/db?force-path-style=true").bucket());
    assertEquals("UPPER_case", settings("s3://UPPER_case/db?endpoint=localhost").bucket());
    assertTrue(
        refusal("s3://buck%20et/db?endpoint=http://h:9000").contains("\"buck et\""), "path style");
    for (String arn :
        new String[] {
          "arn:aws:s3:us-west-2:12:accesspoint/name",
          "arn:aws:s3:us-west-2:123456789012:accesspoint/na_me",
          "arn:aws:sqs:us-west-2:123456789012:accesspoint/name",
          "arn:aws:s3:us west:123456789012:accesspoint/name"
        }) {
      assertTrue(refusal("s3://" + arn + "/db").contains("s3: "), arn);
    }
    assertTrue(refusal("s3://b/db?endpoint=http://h:70000").contains("70000"));
    assertTrue(refusal("s3://b/db?endpoint=http://h:0").contains("port 0"));
    assertEquals(
        "s3: concurrency=4294967297 is not in 1..10000",
        refusal("s3://b/db?concurrency=4294967297"));
  }

  @Test
  void anEndpointWithoutSchemeIsHttpOnlyWhenItIsNear() {
    assertEquals("http://localhost:9000", endpoint("s3://b/db?endpoint=localhost:9000"));
    assertEquals("http://192.168.1.2:9000", endpoint("s3://b/db?endpoint=192.168.1.2:9000"));
    assertEquals("https://minio.example:9000", endpoint("s3://b/db?endpoint=minio.example:9000"));
    assertEquals("http://minio.example", endpoint("s3://b/db?endpoint=http://minio.example"));
    assertTrue(settings("s3://b/db?endpoint=https://minio.example").isPathStyle());
  }

  @Test
  void hostFormsAreLitestreams() {
    S3Settings aws = settings("s3://my.bucket.s3.eu-west-1.amazonaws.com/db");
    assertEquals("my.bucket", aws.bucket());
    assertEquals(Optional.of("eu-west-1"), aws.region());
    assertEquals("AWS", endpoint("s3://bucket.s3.amazonaws.com/db"));
    assertEquals(
        "https://nyc3.digitaloceanspaces.com",
        endpoint("s3://bucket.nyc3.digitaloceanspaces.com/db"));
    assertEquals(
        "https://s3.us-west-000.backblazeb2.com",
        endpoint("s3://bucket.s3.us-west-000.backblazeb2.com/db"));
    assertTrue(settings("s3://bucket.s3.us-west-000.backblazeb2.com/db").isPathStyle());
    assertEquals("https://s3.filebase.com", endpoint("s3://bucket.s3.filebase.com/db"));
    assertEquals("https://s3.nl-ams.scw.cloud", endpoint("s3://bucket.s3.nl-ams.scw.cloud/db"));
    assertEquals("http://localhost:9000", endpoint("s3://bucket.localhost:9000/db"));
    assertEquals("bucket", settings("s3://bucket.localhost:9000/db").bucket());
    assertTrue(refusal("s3://localhost:9000/db").contains("no bucket"));
    S3Settings point = settings("s3://arn:aws:s3:us-west-2:123456789012:accesspoint/name/db");
    assertEquals("arn:aws:s3:us-west-2:123456789012:accesspoint/name", point.bucket());
    assertEquals(Optional.of("us-west-2"), point.region());
  }

  @Test
  void theEndpointOfTheEnvironmentIsUsedWhenTheUrlHasNone() {
    var environment = S3TestEnvironment.of(Map.of("LITESTREAM_S3_ENDPOINT", "localhost:9000"));
    S3Settings settings = S3Settings.of(ReplicaUrl.parse("s3://b/db"), environment);
    assertEquals("http://localhost:9000", settings.endpoint().orElseThrow().uri().toString());
    assertTrue(settings.isPathStyle());
    S3Settings other =
        S3Settings.of(ReplicaUrl.parse("s3://b/db?endpoint=http://x:1"), environment);
    assertEquals("http://x:1", other.endpoint().orElseThrow().uri().toString());
  }
}
