package dev.sluice.replicator.config;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import dev.sluice.storage.Environment;
import dev.sluice.storage.ReplicaClient;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Replicas as configurations describe them, and what becomes of their settings. */
final class ConfigReplicaTest {

  @TempDir private Path folder;

  @Test
  void bucketAndPathAreAUrl() {
    assertEquals(
        Given.replica("url: s3://mybkt.example.com/a/db").url(),
        Given.replica("type: s3", "bucket: mybkt.example.com", "path: /a//db/").url());
  }

  @Test
  void accessPointIsABucket() {
    String arn = "arn:aws:s3:us-east-2:123456789012:accesspoint/mine";
    assertEquals(arn, Given.replica("url: s3://" + arn + "/db").url().host());
    assertEquals(arn, Given.replica("type: s3", "bucket: " + arn, "path: db").url().host());
  }

  @Test
  void settingsOfS3AreThoseOfTheUrl() {
    String query =
        "?endpoint=http://h:9000&region=r1&force-path-style=true&sign-payload=false"
            + "&require-content-md5=false&skip-verify=true&storage-class=STANDARD_IA"
            + "&part-size=10485760&concurrency=7&sse-kms-key-id=k";
    assertEquals(
        Given.replica("url: s3://b/db" + query).url(),
        Given.replica(
                "url: s3://b/db",
                "endpoint: http://h:9000",
                "region: r1",
                "force-path-style: yes",
                "sign-payload: false",
                "require-content-md5: off",
                "skip-verify: true",
                "storage-class: STANDARD_IA",
                "part-size: 10Mi",
                "concurrency: 7",
                "sse-kms-key-id: k")
            .url());
  }

  @Test
  void fiveMegabytesArePartsOfTheLeastSize() {
    ReplicaEntry replica = Given.replica("url: s3://b/db", "part-size: 5MB");
    assertEquals(Map.of("part-size", "5242880"), replica.url().query());
  }

  @Test
  void queryThatSaysTheSameIsNoConflict() {
    ReplicaEntry replica = Given.replica("url: s3://b/db?region=r1", "region: r1");
    assertEquals(Map.of("region", "r1"), replica.url().query());
  }

  @Test
  void replicaCountsBeforeTheTopLevel() {
    Configuration configuration =
        Given.read(
            """
            region: r-top
            bucket: b-top
            skip-verify: true
            sync-interval: 30s
            spool-limit: 1GiB
            dbs:
              - path: /a.db
                replica: {type: s3, path: a}
              - path: /b.db
                spool-limit: 2GiB
                replica: {type: s3, path: b, bucket: b-own, region: r-own, skip-verify: false, sync-interval: 1m}
              - path: /c.db
                replica: {url: "s3://b-url/c"}
            """);
    ReplicaEntry a = configuration.databases().get(0).replica();
    assertEquals("s3://b-top/a", a.url().location());
    assertEquals(Map.of("region", "r-top", "skip-verify", "true"), a.url().query());
    assertEquals(Duration.ofSeconds(30), a.syncInterval());
    assertEquals(1L << 30, configuration.databases().get(0).capture().spoolBytesMax());
    ReplicaEntry b = configuration.databases().get(1).replica();
    assertEquals("s3://b-own/b", b.url().location());
    assertEquals(Map.of("region", "r-own", "skip-verify", "false"), b.url().query());
    assertEquals(Duration.ofMinutes(1), b.syncInterval());
    assertEquals(2L << 30, configuration.databases().get(1).capture().spoolBytesMax());
    assertEquals("s3://b-url/c", configuration.databases().get(2).replica().url().location());
  }

  @Test
  void listOfOneReplicaIsTheReplica() {
    assertEquals(
        "s3://b/db",
        Given.database("dbs:\n- path: /a.db\n  replicas:\n  - url: s3://b/db\n")
            .replica()
            .url()
            .location());
  }

  @Test
  void configuredKeyTakesThePlaceOfTheEnvironments() {
    Environment around =
        name ->
            switch (name) {
              case "AWS_ACCESS_KEY_ID", "AWS_SESSION_TOKEN", "OTHER" -> Optional.of("around");
              default -> Optional.empty();
            };
    ReplicaEntry replica =
        Given.replica("url: s3://b/db", "access-key-id: AKIA9", "secret-access-key: hush");
    Environment seen = replica.environment(around);
    assertEquals(Optional.of("AKIA9"), seen.get("AWS_ACCESS_KEY_ID"));
    assertEquals(Optional.of("hush"), seen.get("AWS_SECRET_ACCESS_KEY"));
    assertEquals(Optional.empty(), seen.get("AWS_SESSION_TOKEN"));
    assertEquals(Optional.of("around"), seen.get("OTHER"));
    Environment unchanged = Given.replica("url: s3://b/db").environment(around);
    assertEquals(Optional.of("around"), unchanged.get("AWS_SESSION_TOKEN"));
  }

  @Test
  void customerKeyIsReadFromItsFile() throws IOException {
    Path file = Files.writeString(folder.resolve("key"), "a2V5\n");
    ReplicaEntry replica =
        Given.replica(
            "url: s3://b/db", "sse-customer-key: other", "sse-customer-key-path: " + file);
    assertEquals("a2V5", replica.url().query().get("sse-customer-key"));
  }

  @Test
  void clientIsOpenedWithTheSettings() throws IOException {
    ReplicaEntry replica = Given.replica("path: " + folder);
    try (ReplicaClient client = replica.open(name -> Optional.empty())) {
      assertEquals("file://" + folder, client.location());
    }
  }

  @Test
  void settingThatTheStorageRefusesNamesTheLine() {
    ReplicaEntry replica = Given.replica("url: s3://b/db?regoin=r");
    ConfigException refused =
        assertThrows(ConfigException.class, () -> replica.open(name -> Optional.empty()));
    assertEquals(
        "litestream.yml:4: replica s3://b/db: s3: unknown query key regoin (did you mean region?)",
        refused.getMessage());
  }
}
