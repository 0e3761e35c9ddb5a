package dev.sluice.cli;

import dev.sluice.ltx.LtxEncoder;
import dev.sluice.ltx.LtxHeader;
import dev.sluice.ltx.Txid;
import dev.sluice.ltx.TxidRange;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Instant;
import java.util.Arrays;
import java.util.List;

/**
 * Makes the example replica that the README queries: a day at a river lock, one TXID an hour. Run
 * {@link #main} with the folder to fill, {@code docs/example}, after the history below has changed.
 */
final class ExampleReplica {
  private static final int PAGE_BYTES = 4096;

  /** What one TXID does, and when. */
  record Step(Instant time, List<String> statements) {}

  static final List<Step> STEPS =
      List.of(
          step(
              "06:00",
              "CREATE TABLE boat (id INTEGER PRIMARY KEY, name TEXT NOT NULL, kind TEXT NOT NULL, length_m REAL NOT NULL)",
              "CREATE TABLE passage (id INTEGER PRIMARY KEY, boat_id INTEGER NOT NULL REFERENCES boat, direction TEXT NOT NULL,"
                  + " entered TEXT NOT NULL, fee_cents INTEGER NOT NULL)",
              "CREATE INDEX passage_boat ON passage (boat_id)",
              "CREATE VIEW revenue AS SELECT kind, count(*) AS passages, sum(fee_cents) / 100.0 AS eur"
                  + " FROM passage JOIN boat ON boat.id = boat_id GROUP BY kind",
              "INSERT INTO boat (name, kind, length_m) VALUES ('Anna Maria', 'barge', 67.0), ('Drie Gebroeders', 'barge', 80.5),"
                  + " ('Zilvermeeuw', 'yacht', 11.2), ('Tante Sjaan', 'tug', 18.0), ('Otter', 'canoe', 5.1)"),
          step(
              "07:00",
              "INSERT INTO passage (boat_id, direction, entered, fee_cents) VALUES (1, 'up', '06:12', 4200),"
                  + " (4, 'up', '06:12', 1500), (2, 'down', '06:48', 4800)"),
          step(
              "08:00",
              "INSERT INTO boat (name, kind, length_m) VALUES ('Wilhelmina', 'barge', 85.0), ('Plons', 'yacht', 7.4)",
              "INSERT INTO passage (boat_id, direction, entered, fee_cents) VALUES (6, 'down', '07:05', 5100),"
                  + " (3, 'up', '07:31', 900), (7, 'up', '07:31', 900), (5, 'down', '07:50', 0)"),
          step(
              "09:00",
              "UPDATE passage SET fee_cents = 950 WHERE boat_id IN (SELECT id FROM boat WHERE kind = 'yacht')"),
          step(
              "10:00",
              "WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < 119)"
                  + " INSERT INTO passage (boat_id, direction, entered, fee_cents)"
                  + " SELECT 1 + i % 7, iif(i % 2, 'down', 'up'), format('09:%02d', i / 2), 300 + i * 7 % 500 FROM n"),
          step(
              "11:00",
              "DELETE FROM passage WHERE fee_cents = 0",
              "UPDATE boat SET name = 'Otter II' WHERE name = 'Otter'"));

  private ExampleReplica() {}

  private static Step step(String time, String... statements) {
    return new Step(Instant.parse("2026-11-20T" + time + ":00Z"), List.of(statements));
  }

  /** Makes the replica in the folder that is named. */
  public static void main(String[] args) throws IOException, SQLException {
    write(Path.of(args[0]));
  }

  /** Writes {@code replica/ltx/0/...}, a file for each step. */
  static void write(Path replica) throws IOException, SQLException {
    Path level = Files.createDirectories(replica.resolve("ltx").resolve("0"));
    Path database = Files.createTempFile("sluice-example", ".db");
    try {
      byte[] before = new byte[0];
      Txid txid = Txid.FIRST;
      for (Step step : STEPS) {
        apply(database, step.statements());
        byte[] after = Files.readAllBytes(database);
        writeFile(
            level.resolve(new TxidRange(txid, txid) + ".ltx"),
            new Change(txid, step.time(), before, after));
        before = after;
        txid = txid.next();
      }
    } finally {
      Files.delete(database);
    }
  }

  private static void apply(Path database, List<String> statements) throws SQLException {
    try (Connection connection = DriverManager.getConnection("jdbc:sqlite:" + database);
        Statement statement = connection.createStatement()) {
      statement.execute("PRAGMA page_size = " + PAGE_BYTES);
      connection.setAutoCommit(false);
      for (String sql : statements) {
        statement.execute(sql);
      }
      connection.commit();
    }
  }

  /** What a TXID changed: the whole database before and after. */
  @SuppressWarnings("ArrayRecordComponent") // never compared
  private record Change(Txid txid, Instant time, byte[] before, byte[] after) {
    long commit() {
      return after.length / PAGE_BYTES;
    }

    boolean isChanged(int offset) {
      return offset >= before.length
          || !Arrays.equals(
              before, offset, offset + PAGE_BYTES, after, offset, offset + PAGE_BYTES);
    }
  }

  private static void writeFile(Path file, Change change) throws IOException {
    TxidRange range = new TxidRange(change.txid(), change.txid());
    LtxHeader header =
        LtxHeader.of(PAGE_BYTES, change.commit(), range, change.time().toEpochMilli());
    try (OutputStream out = Files.newOutputStream(file);
        LtxEncoder encoder = new LtxEncoder(out, header)) {
      for (int offset = 0; offset < change.after().length; offset += PAGE_BYTES) {
        if (change.isChanged(offset)) {
          encoder.page(
              offset / PAGE_BYTES + 1,
              Arrays.copyOfRange(change.after(), offset, offset + PAGE_BYTES));
        }
      }
      encoder.finish();
    }
  }
}
