package dev.sluice.storage;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class ReplicaUrlTest {

  @ParameterizedTest
  @CsvSource({
    "file:rel/path, rel/path, file:rel/path",
    "file:./rel/../other, other, file:other",
    "file:../up, ../up, file:../up",
    "file:///abs/path, /abs/path, file:///abs/path",
    "file:/abs/path, /abs/path, file:///abs/path",
    "FILE:///abs, /abs, file:///abs",
    "file://localhost/abs, /abs, file:///abs",
    "file:///abs/a/../b/./c//d/, /abs/b/c/d, file:///abs/b/c/d",
    "file:///../../abs, /abs, file:///abs",
    "file:///a%20b/c%2525, /a b/c%25, file:///a b/c%25",
    "file:.., .., file:..",
    "file:a/.., ., file:.",
    "/abs/path, /abs/path, file:///abs/path",
    "rel/path, rel/path, file:rel/path",
    "./a:b/c, a:b/c, file:a:b/c",
    "., ., file:.",
    "../x, ../x, file:../x",
    "/a b?c#d%20, /a b?c#d%20, file:///a b?c#d%20",
  })
  void directoriesAreGivenByPathOrFileUrl(String text, String path, String location) {
    ReplicaUrl url = ReplicaUrl.parse(text);
    assertEquals("file", url.scheme());
    assertEquals(path, url.path());
    assertEquals(location, url.location());
    assertEquals(Map.of(), url.query());
  }

  @ParameterizedTest
  @CsvSource({
    "s3://bucket, bucket, ''",
    "s3://bucket/, bucket, ''",
    "s3://bucket/db, bucket, db",
    "S3://Bucket_x/a//b/./c/, Bucket_x, a/b/c",
    "s3://bucket/a%20b/%C3%A9, bucket, a b/é",
    "s3://bucket.s3.eu-west-1.amazonaws.com/db, bucket.s3.eu-west-1.amazonaws.com, db",
    "s3://arn:aws:s3:us-east-1:123456789012:accesspoint/name/a/b, arn:aws:s3:us-east-1:123456789012:accesspoint/name, a/b",
    "s3://arn:aws:s3:us-east-1:123456789012:accesspoint/name, arn:aws:s3:us-east-1:123456789012:accesspoint/name, ''",
    "gs://bucket/db, bucket, db",
    "abs://account@container/db, container, db",
  })
  void objectStoresAreGivenByBucketAndKeyPrefix(String text, String host, String path) {
    ReplicaUrl url = ReplicaUrl.parse(text);
    assertEquals(host, url.host());
    assertEquals(path, url.path());
    assertEquals(OptionalInt.empty(), url.port());
  }

  @Test
  void hostPortAndUserAreTakenApart() {
    ReplicaUrl url =
        ReplicaUrl.parse("sftp://us%40er:p%3Aa%2Fs@example.com:2222/srv/db?keyPath=/k");
    assertEquals("example.com", url.host());
    assertEquals(OptionalInt.of(2222), url.port());
    assertEquals(Optional.of("us@er"), url.user());
    assertEquals(Optional.of("p:a/s"), url.password());
    assertEquals("srv/db", url.path());
    assertEquals(Map.of("key-path", "/k"), url.query());
    assertEquals("sftp://example.com:2222/srv/db", url.location());
    assertEquals(Optional.empty(), ReplicaUrl.parse("sftp://user@h/x").password());
    assertEquals("[::1]", ReplicaUrl.parse("sftp://[::1]:22/x").host());
    assertEquals(OptionalInt.empty(), ReplicaUrl.parse("sftp://[::1]/x").port());
  }

  @ParameterizedTest
  @CsvSource({
    "endpoint, endpoint",
    "forcePathStyle, force-path-style",
    "force-path-style, force-path-style",
    "requireContentMD5, require-content-md5",
    "sseCustomerKeyMD5, sse-customer-key-md5",
    "sseKmsKeyId, sse-kms-key-id",
    "partSize, part-size",
  })
  void queryKeysMeanTheSameInKebabAndCamelCase(String key, String kebab) {
    assertEquals(Map.of(kebab, "v"), ReplicaUrl.parse("s3://b/p?" + key + "=v").query());
  }

  @Test
  void queryValuesAreTakenRawAndPercentEncoded() {
    Map<String, String> expected =
        Map.of("endpoint", "http://h:9000", "region", "us-east-1", "x", "a b+c&d=e");
    assertEquals(
        expected,
        ReplicaUrl.parse("s3://b/p?endpoint=http://h:9000&region=us-east-1&x=a+b%2Bc%26d=e")
            .query());
    assertEquals(
        expected,
        ReplicaUrl.parse(
                "s3://b/p?endpoint=http%3A%2F%2Fh%3A9000&region=us-east-1&&x=a%20b%2Bc%26d%3De&")
            .query());
    assertEquals(Map.of("region", ""), ReplicaUrl.parse("s3://b/p?region").query());
  }

  @Test
  void aKeyGivenTwiceMustHaveOneValue() {
    assertEquals(
        Map.of("force-path-style", "true"),
        ReplicaUrl.parse("s3://b/p?force-path-style=true&forcePathStyle=true").query());
    assertMessage("s3://b/p?force-path-style=true&forcePathStyle=false", "force-path-style twice");
  }

  @ParameterizedTest
  @CsvSource({
    "'', empty",
    "file:, path is missing",
    "file://, path is missing",
    "file://host/path, no host",
    "s3:bucket/db, s3://",
    "s3:///db, bucket or host is missing",
    "s3://, bucket or host is missing",
    "s3://bucket/../other, ..",
    "s3://bucket/a/%2e%2E/b, ..",
    "s3://bucket/a#b, %23",
    "s3://bucket/a%2, %25",
    "s3://bucket/a%zz, %25",
    "s3://bucket/%ff, UTF-8",
    "s3://bucket:0/a, port",
    "s3://bucket:65536/a, port",
    "s3://bucket:/a, port",
    "s3://arn:aws:s3:us-east-1:1:bucket/x, accesspoint",
    "s3://arn:aws:s3:us-east-1:1:accesspoint/, accesspoint",
    "s3://arn:aws:s3:us-east-1:1:accesspoint//x, accesspoint",
    "s3://b/p?=x, query key",
    "s3://b/p?a b=x, query key",
    "s3%3A%2F%2Fbucket%2Fdb, percent-encoded",
  })
  void whatIsWrongIsNamed(String text, String part) {
    assertMessage(text, part);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "s3://user:hush@bucket:x/a",
        "s3://user:hu/sh@bucket/a",
        "s3://user:hush%zz@bucket/a",
        "s3://bucket/a?secretKey=hush%zz",
        "s3://bucket/a?secret-key=hush&secretKey=hush2",
        "s3://bucket/a?x=1&hu&sh=hush#",
        "s3://bucket/../?secret=hush",
        "file:?secret=hush"
      })
  void noMessageShowsASecret(String text) {
    String message =
        assertThrows(IllegalArgumentException.class, () -> ReplicaUrl.parse(text)).getMessage();
    assertFalse(String.valueOf(message).contains("hush"), message);
    assertFalse(String.valueOf(message).contains("user:"), message);
  }

  @Test
  void neitherTextNorLocationShowsCredentialsOrQuery() {
    ReplicaUrl url = ReplicaUrl.parse("s3://me:hush@bucket/db?secretAccessKey=hush&region=x");
    assertEquals("s3://bucket/db", url.location());
    assertEquals("s3://bucket/db", url.toString());
    assertNotEquals(url, ReplicaUrl.parse("s3://bucket/db"));
    assertEquals(url, ReplicaUrl.parse("s3://me:hush@bucket/db?region=x&secret-access-key=hush"));
  }

  private static void assertMessage(String text, String part) {
    String message =
        assertThrows(IllegalArgumentException.class, () -> ReplicaUrl.parse(text)).getMessage();
    assertTrue(String.valueOf(message).contains(part), message);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "s3://bu%0acket/db",
        "s3://bucket/d%1bb",
        "s3://bucket/d%7fb",
        "s3://bucket/d%C2%85b",
        "s3://bucket/db?region=us%0d%0aHost:%20x",
        "file:///d%0ab",
        "file:///db?x=%00",
        "/d\nb"
      })
  void controlCharactersAreRefused(String url) {
    String message =
        assertThrows(IllegalArgumentException.class, () -> ReplicaUrl.parse(url)).getMessage();
    assertTrue(String.valueOf(message).contains("control character"), message);
    assertTrue(String.valueOf(message).chars().noneMatch(Character::isISOControl), message);
  }

  @Test
  void aDirectoryNamedAsThePathIsWrittenIsFound(@TempDir Path folder) throws Exception {
    Path literal = Files.createDirectory(folder.resolve("a%20b"));
    Path odd = Files.createDirectory(folder.resolve("50%off"));
    assertEquals(literal.toString(), ReplicaUrl.parse("file://" + literal).path());
    assertEquals(odd.toString(), ReplicaUrl.parse("file://" + odd).path());
    Path decoded = Files.createDirectory(folder.resolve("a b"));
    assertEquals(decoded.toString(), ReplicaUrl.parse("file://" + literal).path());
    assertThrows(
        IllegalArgumentException.class, () -> ReplicaUrl.parse("file://" + folder + "/60%off"));
    assertEquals(folder + "/c d", ReplicaUrl.parse("file://" + folder + "/c%20d").path());
  }
}
