package dev.sluice.replicator.config;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sluice.replicator.config.ConfigurationFile.Variables;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Configurations as Litestream's users write them. */
final class ConfigurationTest {

  @TempDir private Path folder;

  @Test
  void databaseWithAUrlHasTheDefaults() {
    DatabaseEntry database = Given.database(Given.withReplica("", "url: s3://bucket/db"));
    assertEquals(Path.of("/a.db"), database.path());
    assertEquals(Path.of("/.a.db-litestream"), database.metaPath());
    assertEquals(CaptureSettings.DEFAULT, database.capture());
    assertFalse(database.restoresIfMissing());
    assertEquals("s3://bucket/db", database.replica().url().location());
    assertEquals(Duration.ofSeconds(1), database.replica().syncInterval());
    assertEquals(new Origin("litestream.yml", 2), database.origin());
    assertEquals(new Origin("litestream.yml", 4), database.replica().origin());
  }

  @Test
  void everythingAtOnceIsUnderstood() {
    Configuration configuration =
        Given.read(
            """
            access-key-id: ${KEY}
            secret-access-key: ${SECRET}
            addr: ":9090"
            mcp-addr: ":3001"
            exec: "app -config /etc/app.conf"
            logging:
              level: debug
              type: json
              stderr: true
            levels:
              - interval: 5m
              - interval: 1h
            snapshot:
              interval: 1h
              retention: 72h
            validation:
              interval: 6h
            l0-retention: 10m
            l0-retention-check-interval: 30s
            retention:
              enabled: false
            socket:
              enabled: true
              path: /run/sluice.sock
              permissions: 0660
            heartbeat-url: https://hc.example/token
            heartbeat-interval: 2m
            shutdown-sync-timeout: 0s
            shutdown-sync-interval: 1s
            dbs:
              - path: /var/lib/app1.db
                monitor-interval: 2s
                min-checkpoint-page-count: 500
                meta-path: ~/meta
                restore-if-db-not-exists: true
                replica:
                  url: s3://mybucket/app1
                  region: us-east-1
                  sync-interval: 10s
              - path: sqlite3:///var/lib/app3.db
                replica:
                  path: backup/app3
            """,
            Map.of("KEY", "AKIA1", "SECRET", "s3cr3t"));
    assertEquals(
        new HistorySettings(
            List.of(Duration.ofMinutes(5), Duration.ofHours(1)),
            Duration.ofHours(1),
            Duration.ofHours(72),
            Duration.ofMinutes(10),
            false),
        configuration.history());
    DaemonSettings daemon = configuration.daemon();
    assertEquals(":9090", daemon.metrics().orElseThrow().toString());
    assertEquals("app -config /etc/app.conf", daemon.command().orElseThrow());
    assertEquals(new SocketSettings(true, Path.of("/run/sluice.sock"), 0660), daemon.socket());
    assertEquals(Duration.ofMinutes(2), daemon.heartbeat().orElseThrow().interval());
    assertEquals(Duration.ZERO, daemon.shutdownSyncTimeout());
    assertEquals(
        new LoggingSettings(LoggingSettings.Level.DEBUG, LoggingSettings.Type.JSON, true, false),
        daemon.logging());
    DatabaseEntry first = configuration.databases().get(0);
    assertEquals(Path.of("/home/ada/meta"), first.metaPath());
    assertEquals(500, first.capture().minCheckpointPageCount());
    assertTrue(first.restoresIfMissing());
    assertEquals(Map.of("region", "us-east-1"), first.replica().url().query());
    assertEquals(new AccessKey("AKIA1", "s3cr3t"), first.replica().accessKey().orElseThrow());
    DatabaseEntry second = configuration.databases().get(1);
    assertEquals(Path.of("/var/lib/app3.db"), second.path());
    assertEquals("file:///srv/backup/app3", second.replica().url().location());
    assertEquals(Optional.empty(), second.replica().accessKey());
    assertEquals(
        List.of(
            "litestream.yml:4: \"mcp-addr\" has no effect: there is no MCP server",
            "litestream.yml:19: \"l0-retention-check-interval\" has no effect: each file is looked at when it may be deleted",
            "litestream.yml:29: \"shutdown-sync-interval\" has no effect: at the end it is tried again every 500ms",
            "litestream.yml:17: \"validation.interval\" has no effect: every file and every compaction is verified",
            "litestream.yml:32: \"monitor-interval\" has no effect: a commit is seen as soon as it is there"),
        configuration.warnings());
  }

  @Test
  void emptyFileHasNoDatabases() {
    for (String text : new String[] {"", "# nothing\n", "---\n", "{}", "dbs:\n", "dbs: []\n"}) {
      Configuration configuration = Given.read(text);
      assertEquals(List.of(), configuration.databases());
      assertEquals(HistorySettings.DEFAULT, configuration.history());
      assertEquals(DaemonSettings.DEFAULT, configuration.daemon());
    }
  }

  @Test
  void snapshotSettingsOfADatabaseHoldForAllUnlessTheTopLevelSaysOtherwise() {
    String databases =
        """
        dbs:
          - path: /a.db
            snapshot: {interval: 1h, retention: 48h}
            replica: {path: /ra}
          - path: /b.db
            snapshot: {interval: 60m}
            replica: {path: /rb}
        """;
    HistorySettings promoted = Given.read(databases).history();
    assertEquals(Duration.ofHours(1), promoted.snapshotInterval());
    assertEquals(Duration.ofDays(2), promoted.snapshotRetention());
    Configuration explicit = Given.read("snapshot: {interval: 6h}\n" + databases);
    assertEquals(Duration.ofHours(6), explicit.history().snapshotInterval());
    assertEquals(Duration.ofDays(2), explicit.history().snapshotRetention());
    assertEquals(
        List.of(
            "litestream.yml:4: \"snapshot.interval\" has no effect: that of the top level holds"),
        explicit.warnings());
  }

  @Test
  void directoryGivesEachDatabaseItsPlaces() {
    DirectoryEntry directory =
        Given.read(
                """
                dbs:
                  - dir: /var/tenants
                    pattern: "*.db"
                    recursive: true
                    watch: true
                    replica:
                      url: s3://b/tenants?region=r1
                """)
            .directories()
            .get(0);
    assertTrue(directory.isRecursive());
    assertTrue(directory.isWatched());
    DatabaseEntry entry = directory.database(Path.of("/var/tenants/team a/é.db")).orElseThrow();
    assertEquals("s3://b/tenants/team a/é.db", entry.replica().url().location());
    assertEquals(Map.of("region", "r1"), entry.replica().url().query());
    assertEquals(Path.of("/var/tenants/team a/.é.db-litestream"), entry.metaPath());
    assertTrue(directory.database(Path.of("/var/tenants/x.sqlite")).isEmpty());
    assertTrue(directory.database(Path.of("/var/tenants")).isEmpty());
    assertTrue(directory.database(Path.of("/var/other.db")).isEmpty());
  }

  @Test
  void metaPathAndMetaDirOfADirectoryGiveEachDatabaseItsOwn() {
    String text =
        """
        dbs:
          - dir: /var/tenants
            pattern: "*"
            recursive: true
            %s: /meta
            replica: {path: /backup}
        """;
    Path database = Path.of("/var/tenants/team/b.db");
    assertEquals(
        Path.of("/meta/team/.b.db-litestream"), metaPath(text.formatted("meta-path"), database));
    assertEquals(
        Path.of("/meta/team/b.db-litestream"), metaPath(text.formatted("meta-dir"), database));
  }

  private static Path metaPath(String text, Path database) {
    return Given.read(text).directories().get(0).database(database).orElseThrow().metaPath();
  }

  @Test
  void flatDirectoryDoesNotHaveTheDatabasesOfItsFolders() {
    DirectoryEntry directory =
        Given.read("dbs: [{dir: /t, pattern: '*', replica: {path: /r}}]").directories().get(0);
    assertTrue(directory.database(Path.of("/t/a.db")).isPresent());
    assertTrue(directory.database(Path.of("/t/b/a.db")).isEmpty());
    assertTrue(directory.database(Path.of("/t/a.db-wal")).isEmpty());
    assertTrue(directory.database(Path.of("/t/a.db-shm")).isEmpty());
  }

  @Test
  void directoryOfReplicasMayBeTheRoot() {
    String text = "dbs: [{dir: /t, pattern: '*', replica: {%s}}]";
    for (String place : List.of("url: 's3://b'", "path: /")) {
      DatabaseEntry entry =
          Given.read(text.formatted(place))
              .directories()
              .get(0)
              .database(Path.of("/t/a.db"))
              .orElseThrow();
      assertTrue(entry.replica().url().location().matches("(s3://b|file://)/a\\.db"), place);
    }
  }

  @Test
  void databaseIsFoundByItsPath() {
    Configuration configuration =
        Given.read(
            """
            dbs:
              - {path: /var/a.db, replica: {path: /r/a}}
              - {dir: /t, pattern: "*.db", replica: {path: /r/t}}
            """);
    assertEquals(
        "file:///r/a",
        configuration.database(Path.of("/var/x/../a.db")).orElseThrow().replica().url().location());
    assertEquals(
        "file:///r/t/gone.db",
        configuration.database(Path.of("/t/gone.db")).orElseThrow().replica().url().location());
    assertTrue(configuration.database(Path.of("/var/b.db")).isEmpty());
  }

  @Test
  void anchorsAndMergeKeysAreResolved() {
    Configuration configuration =
        Given.read(
            """
            x-common: &common
              region: r1
              sync-interval: 5s
            x-slow: &slow {sync-interval: 1h, concurrency: 2}
            dbs:
              - path: /a.db
                replica:
                  <<: *common
                  url: s3://b/a
              - path: /b.db
                replica:
                  url: s3://b/b
                  region: r2
                  <<: [*common, *slow]
            """);
    ReplicaEntry a = configuration.databases().get(0).replica();
    assertEquals(Map.of("region", "r1"), a.url().query());
    assertEquals(Duration.ofSeconds(5), a.syncInterval());
    ReplicaEntry b = configuration.databases().get(1).replica();
    assertEquals(Map.of("region", "r2", "concurrency", "2"), b.url().query());
    assertEquals(Duration.ofSeconds(5), b.syncInterval());
  }

  @Test
  void nothingShowsASecret() {
    Configuration configuration =
        Given.read(
            Given.withReplica(
                "heartbeat-url: https://hc.example/hush\n",
                "url: s3://b/db",
                "access-key-id: hush",
                "secret-access-key: hush",
                "sse-customer-key: hush"));
    assertFalse(configuration.toString().contains("hush"), configuration.toString());
  }

  @Test
  void variablesAreExpandedUnlessTheyAreNotToBe() throws ConfigException {
    String text = "dbs: [{path: \"/${DIR}/$PID.db\", replica: {path: /r}}]";
    assertEquals(
        Path.of("/x/4711.db"), Given.read(text, Map.of("DIR", "x")).databases().get(0).path());
    assertEquals(
        Path.of("/${DIR}/$PID.db"),
        ConfigurationFile.parse(
                Given.NAME, text, Variables.LITERAL, Given.surroundings(Map.of("DIR", "x")))
            .databases()
            .get(0)
            .path());
  }

  @Test
  void levelOfTheEnvironmentCountsBeforeTheFiles() {
    assertEquals(
        LoggingSettings.Level.WARN,
        Given.read("logging: {level: debug}", Map.of("LOG_LEVEL", "warning"))
            .daemon()
            .logging()
            .level());
    assertEquals(
        LoggingSettings.Level.DEBUG,
        Given.read("logging: {level: debug}", Map.of("LOG_LEVEL", "loud"))
            .daemon()
            .logging()
            .level());
  }

  @Test
  void fileIsReadFromTheHomeDirectory() throws IOException {
    Files.writeString(folder.resolve("c.yml"), "dbs: [{path: a.db, replica: {path: r}}]");
    Surroundings surroundings =
        new Surroundings(name -> Optional.empty(), folder, Path.of("/srv"), 1);
    assertEquals(
        Path.of("/srv/a.db"),
        ConfigurationFile.read("~/c.yml", Variables.EXPANDED, surroundings)
            .databases()
            .get(0)
            .path());
  }

  @Test
  void placeOfTheFileIsThatOfTheEnvironmentOrLitestreams() {
    assertEquals("/etc/litestream.yml", ConfigurationFile.defaultName(name -> Optional.empty()));
    assertEquals(
        "/x.yml",
        ConfigurationFile.defaultName(
            name -> name.equals("LITESTREAM_CONFIG") ? Optional.of("/x.yml") : Optional.empty()));
  }

  @Test
  void databaseOfTheCommandLineHasTheDefaultsOfAFile() {
    DatabaseEntry written = Given.database(Given.withReplica("", "url: s3://bucket/db"));
    DatabaseEntry given = DatabaseEntry.of(Path.of("/a.db"), written.replica().url());
    assertEquals(written.metaPath(), given.metaPath());
    assertEquals(written.capture(), given.capture());
    assertEquals(written.replica().syncInterval(), given.replica().syncInterval());
    assertEquals(Given.read("").history(), Configuration.of(given).history());
  }
}
