package dev.sluice.vfs;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sluice.storage.Environment;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.sqlite.SQLiteConfig;

class ReplicaParametersTest {
  private static final Environment EMPTY = name -> Optional.empty();

  private static ReplicaParameters parse(String... parts) {
    return ReplicaParameters.parse(
        (String.join("\0", parts) + "\0").getBytes(StandardCharsets.UTF_8), EMPTY);
  }

  private static String refusal(String... parts) {
    return String.valueOf(
        assertThrows(IllegalArgumentException.class, () -> parse(parts)).getMessage());
  }

  @Test
  void oursAreTakenAndOthersIgnored() {
    ReplicaParameters parsed =
        parse(
            "db",
            "vfs",
            "litestream",
            "mode",
            "ro",
            "replica_url",
            "s3://b/d?region=x&endpoint=http://h",
            "txid",
            "1f");
    assertEquals("db", parsed.label());
    assertEquals("s3://b/d?region=x&endpoint=http://h", parsed.replicaUrl());
    assertEquals(Map.of("txid", "1f"), parsed.values());
  }

  @Test
  void emptyValueAndEmptyLabelAreKept() {
    assertEquals(Map.of("txid", ""), parse("", "txid", "", "replica_url", "/d").values());
  }

  @Test
  void environmentIsTheDefaultAndUriWins() {
    Environment environment =
        name -> name.equals("LITESTREAM_REPLICA_URL") ? Optional.of("file:///e") : Optional.empty();
    assertEquals("file:///e", ReplicaParameters.of("db", Map.of(), environment).replicaUrl());
    assertEquals(
        "file:///u",
        ReplicaParameters.of("db", Map.of("replica_url", "file:///u"), environment).replicaUrl());
    assertTrue(refusal("db", "mode", "ro").contains("LITESTREAM_REPLICA_URL"));
  }

  @Test
  void misspeltNameIsRefusedWithTheNearest() {
    assertEquals(
        "unknown parameter \"page_cache_bytes\" (did you mean \"page_cache_size\"?)",
        refusal("db", "replica_url", "/d", "page_cache_bytes", "1"));
    assertTrue(refusal("db", "replica_uri", "/d").contains("\"replica_url\""));
    assertTrue(refusal("db", "replica_url", "/d", "timestamp_", "x").contains("\"timestamp\""));
    for (String name : Set.of("prefetch_budget", "server", "verify", "max_staleness")) {
      assertTrue(refusal("db", "replica_url", "/d", name, "1").contains("\"" + name + "\""));
    }
  }

  @Test
  void rawQueryIsRefusedWithTheEncodedForm() {
    String refusal =
        refusal(
            "db",
            "replica_url",
            "s3://b/d?endpoint=http://h:9",
            "region",
            "eu",
            "secret-access-key",
            "hush");
    assertTrue(
        refusal.endsWith(
            "replica_url=s3%3A%2F%2Fb%2Fd%3Fendpoint%3Dhttp%3A%2F%2Fh%3A9%26region%3Deu%26secret-access-key%3D..."),
        refusal);
    assertFalse(refusal.contains("hush"));
  }

  @Test
  void misspeltAndUnknownKeysBelongToTheCutQuery() {
    String refusal =
        refusal(
            "db",
            "replica_url",
            "s3://k:hush@b/d?secret-acces-key=hush",
            "mode",
            "ro",
            "regoin",
            "hush",
            "endpoint",
            "http://u:hush@h");
    assertTrue(
        refusal.endsWith(
            "replica_url=s3%3A%2F%2F...%40b%2Fd%3Fsecret-acces-key%3D...%26regoin%3D..."
                + "%26endpoint%3Dhttp%3A%2F%2F...%40h"),
        refusal);
    assertFalse(refusal.contains("hush"), refusal);
  }

  @Test
  void encodedQueryBesideOtherKeysIsTaken() {
    assertEquals(
        "s3://b/d?region=x",
        parse("db", "mode", "ro", "replica_url", "s3://b/d?region=x", "vfs", "litestream")
            .replicaUrl());
  }

  @Test
  void laterNamesAreNotTakenForMistakes() {
    for (String name : Set.of("prefetch", "verify", "server")) {
      assertEquals(
          "parameter \"" + name + "\" is not known by this version",
          refusal("db", "replica_url", "/d", name, "1"));
    }
  }

  @Test
  void cacheDirIsAPathOfADirectory(@TempDir Path dir) throws IOException {
    Path file = Files.createFile(dir.resolve("file"));
    for (String good : List.of(dir.toString(), dir + "/later", "relative/to/here")) {
      assertEquals(
          good, parse("db", "replica_url", "/d", "cache_dir", good).get("cache_dir").orElse(""));
    }
    for (String bad : List.of(file.toString(), "", " ")) {
      String refusal = refusal("db", "replica_url", "/d", "cache_dir", bad);
      assertTrue(refusal.startsWith("cache_dir: "), refusal);
    }
  }

  @Test
  void oneViewIsChosenOnce() {
    assertTrue(
        refusal("db", "replica_url", "/d", "txid", "1", "timestamp", "LATEST").contains("both"));
  }

  @Test
  void printedFormHidesTheUrl() {
    assertFalse(parse("db", "replica_url", "s3://k:hush@b/d").toString().contains("hush"));
  }

  @Test
  void noneIsASettingOfSqliteJdbc() {
    Set<String> theirs =
        Arrays.stream(SQLiteConfig.Pragma.values())
            .map(SQLiteConfig.Pragma::getPragmaName)
            .collect(Collectors.toSet());
    assertTrue(theirs.contains("busy_timeout"));
    Map<String, Boolean> clashes = new LinkedHashMap<>();
    ReplicaParameters.NAMES.forEach(name -> clashes.put(name, theirs.contains(name)));
    assertFalse(clashes.containsValue(true), clashes.toString());
  }
}
