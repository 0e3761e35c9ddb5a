package dev.sluice.replicator.config;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sluice.storage.ReplicaUrl;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.SortedSet;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Every key does what the table in docs/configuration.md says of it. */
final class ConfigKeysTest {
  private static final Pattern ROW =
      Pattern.compile("\\| `([a-z0-9-]+)` \\| ([^|]+) \\| ([^|]*)\\| ([^|]+) \\|.*");

  /** Two values that differ, by scope and key; what is not here has some by its kind. */
  private static final Map<String, List<String>> VALUES =
      Map.of(
          "the top level addr", List.of("':1'", "':2'"),
          "the top level heartbeat-url", List.of("https://h/1", "https://h/2"),
          "logging level", List.of("debug", "warn"),
          "logging type", List.of("json", "text"),
          "replica type", List.of("file", "s3"),
          "replica url", List.of("s3://b/1", "file:///r"));

  /** What else must be said for a key to mean something. */
  private static final Map<String, String> ALSO =
      Map.of(
          "heartbeat-interval", "heartbeat-url: https://h/1",
          "lease-ttl", "lease: true",
          "access-key-id", "secret-access-key: s",
          "secret-access-key", "access-key-id: s");

  private static final List<String> OF_DIRECTORIES =
      List.of("dir", "pattern", "recursive", "watch", "meta-dir");

  @TempDir private static Path folder;

  /** A key as the table has it, or the parser. */
  private record Row(String key, String where, String effect) implements Comparable<Row> {
    @Override
    public int compareTo(Row other) {
      return toString().compareTo(other.toString());
    }
  }

  @Test
  void tableAndParserKnowTheSameKeys() throws IOException {
    TreeSet<Row> documented = new TreeSet<>();
    Path page = Path.of(System.getProperty("sluice.root", ".."), "docs/configuration.md");
    for (String line : Files.readAllLines(page)) {
      Matcher row = ROW.matcher(line);
      if (row.matches()) {
        for (String where : row.group(2).split(", ", -1)) {
          assertTrue(documented.add(new Row(row.group(1), where.strip(), row.group(4))), line);
        }
      }
    }
    TreeSet<Row> known = new TreeSet<>();
    keys().forEach(key -> known.add(row(key)));
    assertEquals(lines(known), lines(documented));
  }

  private static String lines(SortedSet<Row> rows) {
    return String.join("\n", rows.stream().map(Row::toString).toList());
  }

  private static Row row(Key key) {
    return new Row(
        key.name(),
        key.scope() == Scope.TOP ? "top level" : key.scope().toString(),
        key.effect() + (key.isOurs() ? ", ours" : ""));
  }

  static Stream<Key> keys() {
    return Stream.of(Scope.values()).flatMap(scope -> Keys.of(scope).stream());
  }

  @ParameterizedTest
  @MethodSource("keys")
  void keyHasTheEffectThatIsSaid(Key key) throws IOException {
    if (key.kind() == Kind.SECTION || key.kind() == Kind.SECTIONS) {
      return; // the keys in it have an effect
    }
    List<String> values = values(key);
    String text = text(key, values.get(0));
    if (key.effect() == Effect.REFUSED) {
      assertTrue(Given.refusal(text).endsWith(": " + key.path() + ": " + key.reason()), text);
      return;
    }
    Configuration one = Given.read(text);
    Configuration other = Given.read(text(key, values.get(1)));
    if (key.effect() == Effect.HONOURED) {
      assertNotEquals(settings(one), settings(other), text);
      String named = "\"" + key.path() + "\"";
      assertTrue(one.warnings().stream().noneMatch(w -> w.contains(named)), text);
    } else {
      assertEquals(settings(one), settings(other));
      assertEquals(1, one.warnings().size(), text);
      assertTrue(
          one.warnings().get(0).endsWith("\"" + key.path() + "\" has no effect: " + key.reason()),
          () -> one.warnings().get(0));
    }
  }

  /** Returns a configuration without what was said of it. */
  private static Configuration settings(Configuration configuration) {
    return new Configuration(
        configuration.databases(),
        configuration.directories(),
        configuration.history(),
        configuration.daemon(),
        List.of(),
        Registration.PLAIN);
  }

  static Stream<Key> keysOfAllReplicas() {
    return Keys.of(Scope.TOP).stream()
        .filter(key -> key.effect() == Effect.HONOURED && key.kind() != Kind.SECTION)
        .filter(
            key ->
                Keys.find(Scope.REPLICA, key.name()).isPresent()
                    || Keys.find(Scope.DATABASE, key.name()).isPresent())
        .filter(key -> !key.name().equals("bucket") && !key.name().equals("dbs")); // URLs have one
  }

  @ParameterizedTest
  @MethodSource("keysOfAllReplicas")
  void keyOfTheTopLevelHoldsForARegisteredDatabase(Key key) throws IOException {
    ReplicaUrl url = ReplicaUrl.parse("s3://b/db");
    String value = values(key).get(0).equals("false") ? "true" : values(key).get(0);
    Configuration configuration = Given.read(text(key, value));
    DatabaseEntry named = configuration.databases().get(0);
    DatabaseEntry registered = configuration.registration().entry(named.path(), url);
    assertEquals(withoutOrigin(named), withoutOrigin(registered));
    assertNotEquals(DatabaseEntry.of(named.path(), url), registered);
  }

  private static DatabaseEntry withoutOrigin(DatabaseEntry entry) {
    ReplicaEntry replica = entry.replica();
    return new DatabaseEntry(
        entry.path(),
        entry.metaPath(),
        entry.capture(),
        entry.restoresIfMissing(),
        new ReplicaEntry(
            replica.url(),
            replica.accessKey(),
            replica.syncInterval(),
            replica.leaseTtl(),
            replica.allowsUnconditionalWrites(),
            Origin.COMMAND_LINE),
        Origin.COMMAND_LINE);
  }

  @Test
  void urlOfARegisteredDatabaseCountsBeforeTheTopLevel() throws IOException {
    Configuration configuration =
        Given.read(Given.withReplica("region: r\nendpoint: 'http://h:1'\n", "path: /r"));
    DatabaseEntry registered =
        configuration
            .registration()
            .entry(Path.of("/b.db"), ReplicaUrl.parse("s3://b/db?endpoint=http://own:2"));
    assertEquals(
        Map.of("region", "r", "endpoint", "http://own:2"), registered.replica().url().query());
  }

  @Test
  void topLevelThatCannotBeUsedRefusesARegisteredDatabase() {
    Configuration configuration = Given.read("lease-ttl: 10ms\ndbs: []\n");
    ConfigException refused =
        assertThrows(
            ConfigException.class,
            () ->
                configuration
                    .registration()
                    .entry(Path.of("/b.db"), ReplicaUrl.parse("file:///r")));
    assertEquals("litestream.yml:1: lease-ttl: is 1s or more", refused.getMessage());
  }

  /** Returns a configuration in which the key has a value, in its scope. */
  private static String text(Key key, String value) {
    StringBuilder top = new StringBuilder();
    Map<String, String> database = new LinkedHashMap<>();
    Map<String, String> replica = new LinkedHashMap<>();
    database.put("path", "/a.db");
    replica.put("url", "s3://b/db");
    if (key.name().equals("bucket")) {
      replica.clear();
      replica.put("type", "s3");
    }
    String line = key.name() + ": " + value;
    String also = ALSO.getOrDefault(key.name(), "");
    switch (key.scope()) {
      case TOP -> top.append(line).append('\n').append(also).append('\n');
      case LEVEL -> {
        String interval = key.name().equals("interval") ? "" : ", interval: 1m";
        top.append("levels: [{").append(line).append(interval).append("}]\n");
      }
      case DATABASE -> {
        if (OF_DIRECTORIES.contains(key.name())) {
          database.clear();
          database.put("dir", "/t");
          database.put("pattern", "'*'");
        }
        database.put(key.name(), value);
      }
      case REPLICA -> {
        if (key.name().equals("path")) {
          replica.clear();
        } else if (key.name().equals("type")) {
          replica.clear();
          replica.putAll(Map.of("bucket", "b", "path", "p"));
        }
        replica.put(key.name(), value);
        if (!also.isEmpty()) {
          replica.put(also.split(": ", 2)[0], also.split(": ", 2)[1]);
        }
      }
      case AGE -> replica.put("age", "{" + line + "}");
      default -> top.append(key.scope()).append(": {").append(line).append("}\n");
    }
    return top + "dbs:\n- " + lines(database, "  ") + "  replica:\n    " + lines(replica, "    ");
  }

  private static String lines(Map<String, String> keys, String indent) {
    List<String> lines = new ArrayList<>();
    keys.forEach((key, value) -> lines.add(key + ": " + value));
    return String.join("\n" + indent, lines) + "\n";
  }

  private static List<String> values(Key key) throws IOException {
    if (key.name().equals("sse-customer-key-path")) {
      return List.of(
          Files.writeString(folder.resolve("one"), "a2V5").toString(),
          Files.writeString(folder.resolve("two"), "c2Vj").toString());
    }
    List<String> byKind =
        switch (key.kind()) {
          case TEXT, SECRET -> List.of("one", "two");
          case DURATION, POSITIVE_DURATION -> List.of("7m", "8m");
          case SIZE -> List.of("64MiB", "70MB");
          case COUNT, POSITIVE_COUNT -> List.of("3", "4");
          case INTEGER -> List.of("-1", "5");
          case MODE -> List.of("0600", "0640");
          case FLAG -> List.of("true", "false");
          case TEXTS -> List.of("[one]", "[one, two]");
          case SECTION, SECTIONS -> throw new AssertionError(key);
        };
    return VALUES.getOrDefault(key.scope() + " " + key.name(), byKind);
  }
}
