package dev.sluice.replicator.config;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sluice.replicator.config.ConfigurationFile.Variables;
import dev.sluice.testkit.Seed;
import dev.sluice.testkit.Seeded;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.Test;

/** Whatever a file has in it, the answer is a configuration, or a line of it and what is wrong. */
final class ConfigFuzzTest {
  private static final int ROUNDS = Integer.getInteger("sluice.config.rounds", 10_000);
  private static final List<String> PIECES =
      List.of(
          "\n", "\n  ", "\n    ", "\n- ", ": ", "- ", "{", "}", "[", "]", "\"", "'", "|", ">",
          "&a ", "*a", "<<: *a", "!!str ", "!x ", "$", "${A}", "$A", "%", "#", "~", "null", "\t",
          "?", ",", "\\0", "\u0085", "\u2028", "😀", "\r", "---", "...", "s3://", "file:", "0",
          "-1", "1s", "true", "/", "..", "\ud800", "@", "`");
  private static final String WHOLE =
      """
      access-key-id: ${A}
      secret-access-key: x
      logging: {level: info}
      x-common: &a {region: r, concurrency: 4}
      levels: [{interval: 5m}]
      socket:
        permissions: 0600
      dbs:
        - path: /a.db
          replica:
            <<: *a
            url: s3://bucket/db?endpoint=http://h:9
        - dir: ~/tenants
          pattern: "[a-z]*.db"
          meta-dir: meta
          replicas:
            - type: file
              path: /r
      """;

  @Test
  void everyInputIsAnsweredWithAConfigurationOrALine(@Seeded("sluice.seed") Seed seed) {
    Random random = seed.random();
    int understood = 0;
    for (int round = 0; round < ROUNDS; round++) {
      String text = mutate(random);
      if (isUnderstood(text)) {
        understood++;
      }
    }
    assertTrue(understood > 0 && understood < ROUNDS, understood + " understood");
  }

  private static String mutate(Random random) {
    StringBuilder text = new StringBuilder(WHOLE);
    for (int i = random.nextInt(4); i >= 0; i--) {
      int from = random.nextInt(text.length() + 1);
      int to = Math.min(text.length(), from + random.nextInt(12));
      String piece =
          switch (random.nextInt(4)) {
            case 0 -> "";
            case 1 -> keyName(random);
            default -> PIECES.get(random.nextInt(PIECES.size()));
          };
      text.replace(from, random.nextBoolean() ? from : to, piece);
    }
    return text.toString();
  }

  private static String keyName(Random random) {
    List<Scope> scopes = List.of(Scope.values());
    List<Key> keys = List.copyOf(Keys.of(scopes.get(random.nextInt(scopes.size()))));
    return keys.get(random.nextInt(keys.size())).name() + ": ";
  }

  private static boolean isUnderstood(String text) {
    try {
      ConfigurationFile.parse(
          "f.yml", text, Variables.EXPANDED, Given.surroundings(Map.of("A", "b\n\"'{")));
      return true;
    } catch (ConfigException e) {
      String message = String.valueOf(e.getMessage());
      int lines = 1 + (int) text.chars().filter(c -> c == '\n' || c == '\r').count();
      int line = e.origin().line();
      assertTrue(
          1 <= line && line <= lines + 1,
          () -> "line " + line + " of " + lines + ": " + message + "\n" + text);
      assertEquals(1, message.lines().count(), message);
      assertTrue(message.startsWith("f.yml:"), message);
      return false;
    } catch (RuntimeException | StackOverflowError e) {
      throw new AssertionError(text, e);
    }
  }
}
