package dev.sluice.vfs;

import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.sluice.cache.ReplicaOptions;
import dev.sluice.cache.StoreOptions;
import dev.sluice.storage.ReplicaUrl;
import java.io.IOException;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What the log says of settings without effect. */
class IdleSettingsTest {
  @TempDir Path folder;
  private final ReplicaWatch watch = new ReplicaWatch();
  private final WarningsSeen log = new WarningsSeen("dev.sluice.vfs");

  @BeforeEach
  void register() {
    Sluice.register();
  }

  @AfterEach
  void unregister() throws InterruptedException {
    watch.awaitClosed();
    log.close();
    watch.close();
    Sluice.unregister();
  }

  private ImagedPrimary primary() throws IOException, SQLException {
    return new ImagedPrimary(folder, 4096, 10, new Random(1));
  }

  private Connection open(ImagedPrimary primary, String... parameters) throws SQLException {
    List<String> all = new ArrayList<>(List.of(parameters));
    all.add("cache_dir=" + folder.resolve("cache"));
    return DriverManager.getConnection(Urls.jdbc(primary.url(), all.toArray(String[]::new)));
  }

  /** Returns what was said, without the name of the replica. */
  private List<String> said() {
    return log.lines().stream()
        .map(line -> line.replaceFirst("^INFO replica file:\\S+/replica: ", ""))
        .toList();
  }

  @Test
  void withoutAStoreItsSettingsAreIdle() throws Exception {
    try (ImagedPrimary primary = primary()) {
      String[] all = {
        "store=off",
        "store_size=1MiB",
        "store_read=pread",
        "hydration_enabled=true",
        "hydration_path=" + folder.resolve("h.db"),
        "hydration_rate=1MB"
      };
      try (Connection first = open(primary, all);
          Connection second = open(primary, all)) {
        primary.requireImage(first);
        primary.requireImage(second);
      }
      watch.awaitClosed();
      String line =
          "store_size, store_read, hydration_enabled, hydration_path, hydration_rate"
              + " without effect: store=off";
      assertEquals(List.of(line), said(), "once for both");
      open(primary, all).close();
      assertEquals(List.of(line, line), said(), "the replica was opened anew");
    }
  }

  @Test
  void whatHasAnEffectIsNotTold() throws Exception {
    try (ImagedPrimary primary = primary()) {
      for (String[] parameters :
          List.of(
              new String[] {"store=off", "hydration_enabled=false"},
              new String[] {"store=memory", "store_size=1MiB", "hydration_enabled=true"},
              new String[] {"hydration_enabled=true", "hydration_rate=1MB", "store_read=pread"},
              new String[] {"txid=1", "read_timeout=10s", "poll_interval=2s", "store=off"},
              new String[] {"timestamp=LATEST", "store_size=1MiB"})) {
        open(primary, parameters).close();
        watch.awaitClosed();
      }
      assertEquals(List.of(), said());
    }
  }

  @Test
  void aStoreInMemoryHasNoPath() throws Exception {
    try (ImagedPrimary primary = primary()) {
      open(primary, "store=memory", "hydration_path=" + folder.resolve("h.db")).close();
      assertEquals(List.of("hydration_path without effect: store=memory"), said());
    }
  }

  @Test
  void aFixedViewAloneOpensNoStore() throws Exception {
    try (ImagedPrimary primary = primary()) {
      try (Connection fixed =
          open(primary, "txid=1", "hydration_enabled=true", "store_size=1MiB")) {
        primary.requireImage(fixed);
        assertEquals(
            List.of(
                "store_size, hydration_enabled without effect: txid opens no page store, and nobody"
                    + " else has opened one"),
            said());
        assertEquals("", DatabaseContents.value(fixed, "PRAGMA litestream_hydration_file"));
        try (Connection following = open(primary, "store_size=1MiB", "hydration_enabled=true")) {
          primary.requireImage(following);
          open(primary, "timestamp=2100-01-01T00:00:00Z", "store_size=1MiB").close();
          assertEquals(1, said().size(), "it shares the store");
        }
      }
    }
  }

  @Test
  void theFirstOnesSettingsCount() throws Exception {
    try (ImagedPrimary primary = primary();
        Connection first = open(primary, "store_size=1MiB", "store=memory")) {
      primary.requireImage(first);
      open(primary).close();
      open(primary, "store=memory", "store_size=1MiB", "page_cache_size=1MB").close();
      assertEquals(List.of(), said(), "they do not say otherwise");
      open(primary, "store=disk", "store_size=2MiB", "store_read=pread").close();
      open(primary, "hydration_rate=5", "hydration_enabled=true").close();
      assertEquals(
          List.of(
              "it is open with store=memory, store_size=1048576, store_read=mmap:"
                  + " store=disk, store_size=2097152, store_read=pread is ignored",
              "it is open with hydration_rate=none: hydration_rate=5 is ignored"),
          said());
    }
  }

  @Test
  void whoOpensItInJavaIsToldToo() throws Exception {
    try (ImagedPrimary primary = primary()) {
      ReplicaOptions options =
          ReplicaOptions.of(ReplicaUrl.parse(primary.url()))
              .withCacheDirectory(folder.resolve("cache"))
              .withStore(StoreOptions.DEFAULT.at(StoreOptions.Place.OFF).hydrated(true));
      String idle = "hydration_enabled without effect: store=off";
      try (OpenReplica replica = Sluice.open(options)) {
        assertEquals(List.of(idle), said());
        try (Connection connection = DriverManager.getConnection(replica.jdbcUrl());
            Connection other = open(primary, "store=disk", "store_size=1MiB")) {
          primary.requireImage(connection);
          primary.requireImage(other);
        }
      }
      String ignored =
          "it is open with store=off, store_size=none: store=disk, store_size=1048576 is ignored";
      assertEquals(List.of(idle, ignored), said());
    }
  }
}
