package dev.sluice.vfs;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.List;
import java.util.Locale;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.sqlite.SQLiteException;

/** The C side over a plain database image: local files beside a replica, which are not its own. */
class NativeLocalFilesTest extends PlainImages {
  @ParameterizedTest
  @ValueSource(strings = {"DELETE", "WAL", "TRUNCATE"})
  void localFilesAttachToAReplicaAsThemselves(String journalMode) throws SQLException {
    Path local = dir.resolve("local-" + journalMode + ".db");
    try (Connection replica = open("fake:plain", "");
        Statement sql = replica.createStatement()) {
      sql.execute("ATTACH '" + local + "' AS local");
      assertEquals(
          journalMode.toLowerCase(Locale.ROOT),
          one(replica, "PRAGMA local.journal_mode=" + journalMode));
      sql.execute("CREATE TABLE local.kept AS SELECT id FROM main.t");
      sql.execute("BEGIN");
      sql.execute("DELETE FROM local.kept");
      assertEquals("0", one(replica, "SELECT count(*) FROM local.kept"));
      sql.execute("ROLLBACK");
      assertEquals("3000", one(replica, "SELECT count(*) FROM local.kept"));
      assertEquals("ok", one(replica, "PRAGMA local.integrity_check"));
      SQLiteException e =
          assertThrows(
              SQLiteException.class, () -> one(replica, "SELECT litestream_txid('local')"));
      assertTrue(String.valueOf(e.getMessage()).contains("not a replica"), e.getMessage());
    }
    try (Connection db = DriverManager.getConnection("jdbc:sqlite:" + local)) {
      assertEquals("3000", one(db, "SELECT count(*) FROM kept"));
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"DELETE", "WAL"})
  void journalLeftByACrashIsHonouredWhereAReplicaIsMain(String journalMode) throws Exception {
    Path crashed = dir.resolve("crashed-" + journalMode + ".db");
    Path source = dir.resolve("source-" + journalMode + ".db");
    String suffix = journalMode.equals("WAL") ? "-wal" : "-journal";
    try (Connection db = DriverManager.getConnection("jdbc:sqlite:" + source);
        Statement sql = db.createStatement()) {
      sql.execute("PRAGMA journal_mode=" + journalMode);
      sql.execute("CREATE TABLE k AS SELECT 1 AS n, zeroblob(200000) AS filler");
      sql.execute("PRAGMA cache_size=1");
      if (journalMode.equals("WAL")) {
        sql.execute("UPDATE k SET n = 2");
      } else {
        sql.execute("BEGIN");
        sql.execute("UPDATE k SET n = 2, filler = randomblob(200000)");
      }
      Files.copy(source, crashed);
      Files.copy(Path.of(source + suffix), Path.of(crashed + suffix));
    }
    try (Connection replica = open("fake:plain", "");
        Statement sql = replica.createStatement()) {
      sql.execute("ATTACH '" + crashed + "' AS local");
      assertEquals(journalMode.equals("WAL") ? "2" : "1", one(replica, "SELECT n FROM local.k"));
      assertEquals("ok", one(replica, "PRAGMA local.integrity_check"));
    }
  }

  @Test
  void vacuumIntoWritesALocalFile() throws SQLException {
    Path copy = dir.resolve("copy.db");
    try (Connection replica = open("fake:plain", "");
        Statement sql = replica.createStatement()) {
      sql.execute("VACUUM INTO '" + copy + "'");
    }
    try (Connection db = DriverManager.getConnection("jdbc:sqlite:" + copy)) {
      assertEquals("3000", one(db, "SELECT count(*) FROM t"));
      assertEquals("ok", one(db, "PRAGMA integrity_check"));
    }
  }

  @Test
  void transactionOverTwoLocalFilesOfAReplicaIsRefused() throws SQLException {
    try (Connection replica = open("fake:plain", "");
        Statement sql = replica.createStatement()) {
      sql.execute("ATTACH '" + dir.resolve("two-a.db") + "' AS a");
      sql.execute("ATTACH '" + dir.resolve("two-b.db") + "' AS b");
      sql.execute("CREATE TABLE a.x(n)");
      sql.execute("CREATE TABLE b.y(n)");
      sql.execute("BEGIN");
      sql.execute("INSERT INTO x VALUES (1)");
      sql.execute("INSERT INTO y VALUES (1)");
      SQLiteException e = assertThrows(SQLiteException.class, () -> sql.execute("COMMIT"));
      assertEquals(14, e.getResultCode().code, e.getMessage());
      assertEquals(
          "0|0", one(replica, "SELECT (SELECT count(*) FROM x), (SELECT count(*) FROM y)"));
    }
  }

  @Test
  void strayFilesBesideTheNameAreIgnored() throws Exception {
    Path label = dir.resolve("stray.db");
    for (String suffix : List.of("-journal", "-wal", "-shm")) {
      Files.write(
          dir.resolve("stray.db" + suffix),
          new byte[] {
            (byte) 0xd9,
            (byte) 0xd5,
            5,
            (byte) 0xf9,
            0x20,
            (byte) 0xa1,
            0x63,
            (byte) 0xd7,
            1,
            2,
            3,
            4,
            5,
            6,
            7,
            8
          });
    }
    try (Connection replica =
        DriverManager.getConnection(
            "jdbc:sqlite:file:" + label + "?vfs=litestream&replica_url=fake:plain")) {
      assertEquals("3000", one(replica, "SELECT count(*) FROM t"));
    }
    assertTrue(Files.exists(dir.resolve("stray.db-journal")));
  }

  @Test
  void bigSortGoesThroughTemporaryFiles() throws SQLException {
    try (Connection replica = open("fake:plain", "");
        Statement sql = replica.createStatement()) {
      sql.execute("PRAGMA cache_size=5");
      sql.execute("PRAGMA temp_store=FILE");
      sql.execute(
          "CREATE TEMP TABLE big AS SELECT a.id AS x, hex(randomblob(100)) AS y FROM t a, (SELECT 1 FROM t LIMIT 20)");
      assertEquals("60000", one(replica, "SELECT count(*) FROM (SELECT * FROM big ORDER BY y)"));
    }
  }
}
