package dev.sluice.soak;

import java.nio.charset.StandardCharsets;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import java.util.zip.CRC32C;

/**
 * What is in the tables of a test database, and its hash.
 *
 * <p>A row's blob follows from its seed, and a database's hash is the sum of one hash for each
 * table, index and row. So the application keeps the hash at hand however large its database is,
 * and whoever has a copy of the database can tell that every blob is the right one.
 */
final class Rows {
  static final String TABLES = "t";
  static final String INDEXES = "i";

  private static final long ODD = 0x9E3779B97F4A7C15L;
  private static final int SMALL = 200;
  private static final int LARGE = 5000;
  private static final int HUGE = 100_000;

  private Rows() {}

  /** Returns the blob of the row with this seed: mostly small, rarely of many pages. */
  static byte[] blob(long seed) {
    SplittableRandom random = new SplittableRandom(seed);
    int kind = random.nextInt(400);
    byte[] bytes = new byte[random.nextInt(kind == 0 ? HUGE : kind < 40 ? LARGE : SMALL)];
    random.nextBytes(bytes);
    if (random.nextBoolean()) {
      Arrays.fill(bytes, bytes.length / 3, bytes.length, (byte) kind); // compresses
    }
    return bytes;
  }

  /** Returns the part of a table or an index. */
  static long hash(String name) {
    CRC32C crc = new CRC32C();
    crc.update(name.getBytes(StandardCharsets.UTF_8));
    return mix(crc.getValue());
  }

  /** Returns the part of a row. */
  static long hash(String table, long id, long seed) {
    return mix(hash(table) + mix(id) * 31 + mix(seed));
  }

  private static long mix(long value) {
    long x = value + ODD;
    x = (x ^ (x >>> 30)) * 0xBF58476D1CE4E5B9L;
    x = (x ^ (x >>> 27)) * 0x94D049BB133111EBL;
    return x ^ (x >>> 31);
  }

  /**
   * What a database shows.
   *
   * @param number of the last transaction; 0 before the first
   * @param hash of the tables, their indexes and rows
   */
  record Shown(long number, long hash) {}

  /**
   * Reads the whole of a database.
   *
   * @throws IllegalStateException if a blob is not its row's
   */
  static Shown read(Connection connection) throws SQLException {
    List<String> tables = new ArrayList<>();
    long number = 0;
    long hash = 0;
    try (Statement statement = connection.createStatement()) {
      boolean isNumbered = false;
      try (ResultSet names = statement.executeQuery("SELECT name FROM sqlite_schema")) {
        while (names.next()) {
          String name = names.getString(1);
          isNumbered |= name.equals("n");
          if (name.startsWith(TABLES)) {
            tables.add(name);
          }
          if (name.startsWith(TABLES) || name.startsWith(INDEXES)) {
            hash += hash(name);
          }
        }
      }
      if (isNumbered) {
        try (ResultSet row = statement.executeQuery("SELECT number FROM n")) {
          number = row.next() ? row.getLong(1) : 0;
        }
      }
      for (String table : tables) {
        hash += rows(statement, table);
      }
    }
    return new Shown(number, hash);
  }

  private static long rows(Statement statement, String table) throws SQLException {
    long hash = 0;
    try (ResultSet rows = statement.executeQuery("SELECT id, seed, a FROM " + table)) {
      while (rows.next()) {
        long id = rows.getLong(1);
        long seed = rows.getLong(2);
        byte[] blob = rows.getBytes(3);
        if (!Arrays.equals(blob == null ? new byte[0] : blob, blob(seed))) {
          throw new IllegalStateException("row " + id + " of " + table + " has another's blob");
        }
        hash += hash(table, id, seed);
      }
    }
    return hash;
  }
}
