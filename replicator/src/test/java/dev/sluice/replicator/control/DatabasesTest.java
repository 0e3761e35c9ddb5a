package dev.sluice.replicator.control;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;

import dev.sluice.replicator.DatabaseSettings;
import dev.sluice.replicator.Replicator;
import dev.sluice.replicator.control.Databases.Registered;
import dev.sluice.storage.ReplicaUrl;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What a daemon keeps in mind of its databases. */
final class DatabasesTest {
  @TempDir Path folder;

  private final Replicator replicator = Replicator.builder().start();
  private final Databases databases = new Databases();

  @AfterEach
  void close() {
    replicator.close();
  }

  private Registered register(String name, String place) {
    DatabaseSettings settings = DatabaseSettings.of(folder.resolve(name));
    ReplicaUrl replica = ReplicaUrl.ofDirectory(folder.resolve(name + "-replica").toString());
    return databases.register(
        settings, "s3://bucket/db", place, () -> replicator.add(settings, replica));
  }

  @Test
  void placesAreComparedNotNames() {
    Registered one = register("1.db", "s3://bucket/db http://one");
    Registered two = register("2.db", "s3://bucket/db http://two");
    assertEquals(List.of(one, two), databases.all());
    IllegalArgumentException refused =
        assertThrows(
            IllegalArgumentException.class, () -> register("3.db", "s3://bucket/db http://one"));
    assertEquals(
        "s3://bucket/db is the replica of " + one.path() + " already", refused.getMessage());
  }

  @Test
  void databaseThatIsForgottenIsNotStartedAfterwards() throws Exception {
    Registered one = register("1.db", "place");
    databases.stop(one, Duration.ofSeconds(30)).get(30, TimeUnit.SECONDS);
    Registered stopped = databases.find(one.path()).orElseThrow();
    CompletableFuture<Void> forgotten = databases.unregister(stopped, Duration.ofSeconds(30));
    assertFalse(databases.start(stopped).get(30, TimeUnit.SECONDS));
    forgotten.get(30, TimeUnit.SECONDS);
    assertEquals(List.of(), databases.all());
    assertEquals(0, replicator.databases().size());
  }
}
