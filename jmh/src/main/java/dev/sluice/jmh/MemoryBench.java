package dev.sluice.jmh;

import dev.sluice.vfs.Sluice;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.Random;
import java.util.Set;

/**
 * What a process that reads a replica has in memory, without the mapped page store, which the
 * system takes back when it wants to. Linux only: as {@code /proc/self/smaps} says. See {@code
 * jmh/bench/memory} for its arguments.
 */
final class MemoryBench {
  private static final Set<String> STORE = Set.of("pages", "tags", "sums");
  private static final String READ = "read-this";
  private static final int LOOKUPS = 100_000;
  private static final int PAGE_SIZE = 4096;

  /** What {@code PageMapTest} holds the page map to. */
  private static final int MAP_BYTES_OF_PAGE = 12;

  private static final long CACHE_BYTES = 64_000_000;
  private static final long ALLOWANCE_BYTES = 250_000_000;

  private MemoryBench() {}

  /** What is resident, in bytes. */
  private record Resident(long store, long others) {

    static Resident now() throws IOException {
      long store = 0;
      long others = 0;
      boolean isStore = false;
      for (String line : Files.readAllLines(Path.of("/proc/self/smaps"))) {
        String[] words = line.split(" +", -1);
        if (!words[0].endsWith(":")) {
          isStore = STORE.contains(line.substring(line.lastIndexOf('/') + 1));
        } else if (words[0].equals("Rss:")) {
          store += isStore ? Long.parseLong(words[1]) * 1024 : 0;
          others += isStore ? 0 : Long.parseLong(words[1]) * 1024;
        }
      }
      return new Resident(store, others);
    }
  }

  /** Makes the replica, and has a process of its own read it, with a heap as a user would set. */
  public static void main(String[] arguments) throws Exception {
    if (arguments[0].equals(READ)) {
      read(
          new SyntheticReplica(Path.of(arguments[1]), Integer.parseInt(arguments[2])),
          arguments[3]);
      return;
    }
    for (int i = 2; i < arguments.length; i++) {
      try (BenchFolder folder = BenchFolder.make()) {
        SyntheticReplica replica =
            SyntheticReplica.make(folder.path(), Integer.parseInt(arguments[i]));
        ProcessBuilder reading =
            new ProcessBuilder(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-Xmx" + arguments[1] + "m",
                "-cp",
                System.getProperty("java.class.path"),
                MemoryBench.class.getName(),
                READ,
                replica.folder().toString(),
                String.valueOf(replica.rowCount()),
                arguments[0]);
        int code = reading.inheritIO().start().waitFor();
        if (code != 0) {
          throw new IOException("reading ended with " + code);
        }
      }
    }
  }

  private static void read(SyntheticReplica replica, String how)
      throws IOException, SQLException, InterruptedException {
    boolean isHydrated = how.equals("hydrate");
    Sluice.register();
    String url =
        "jdbc:sqlite:file:bench?vfs=litestream&mode=ro&replica_url=file:"
            + replica.folder()
            + "&cache_dir="
            + replica.folder().resolve("cache")
            + "&hydration_enabled="
            + isHydrated;
    try (Connection connection = DriverManager.getConnection(url)) {
      print(replica, "opened");
      lookUp(connection, replica);
      print(replica, LOOKUPS + " lookups");
      if (isHydrated) {
        awaitHydrated(connection);
        print(replica, "hydrated");
        lookUp(connection, replica);
        print(replica, LOOKUPS + " more lookups");
      }
    }
  }

  private static void print(SyntheticReplica replica, String after) throws IOException {
    Resident resident = Resident.now();
    long map = (long) replica.rowCount() * MAP_BYTES_OF_PAGE;
    System.out.printf(
        "%6d MB, %-20s %5d MB mapped store, beside it %4d MB, of which %3d MB heap;"
            + " the bound is %d MB%n",
        (long) replica.rowCount() * PAGE_SIZE / 1_000_000,
        after + ":",
        resident.store() / 1_000_000,
        resident.others() / 1_000_000,
        Runtime.getRuntime().totalMemory() / 1_000_000,
        (CACHE_BYTES + map + ALLOWANCE_BYTES) / 1_000_000);
  }

  private static void lookUp(Connection connection, SyntheticReplica replica) throws SQLException {
    Random random = new Random(11);
    try (PreparedStatement lookup =
        connection.prepareStatement("SELECT length(word) FROM t WHERE id = ?")) {
      for (int i = 0; i < LOOKUPS; i++) {
        lookup.setInt(1, 1 + random.nextInt(replica.rowCount()));
        try (ResultSet row = lookup.executeQuery()) {
          if (!row.next() || row.getInt(1) != SyntheticReplica.WORD_CHARS) {
            throw new IllegalStateException("a row is missing");
          }
        }
      }
    }
  }

  private static void awaitHydrated(Connection connection)
      throws SQLException, InterruptedException {
    try (Statement statement = connection.createStatement()) {
      while (true) {
        try (ResultSet progress = statement.executeQuery("PRAGMA litestream_hydration_progress")) {
          progress.next();
          if (progress.getString(1).equals("100.0")) {
            return;
          }
        }
        Thread.sleep(100);
      }
    }
  }
}
