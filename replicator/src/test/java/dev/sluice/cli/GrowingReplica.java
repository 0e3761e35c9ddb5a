package dev.sluice.cli;

import dev.sluice.ltx.LtxEncoder;
import dev.sluice.ltx.LtxHeader;
import dev.sluice.ltx.Txid;
import dev.sluice.ltx.TxidRange;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.Arrays;

/** A database whose every commit becomes the next LTX file of a replica. */
final class GrowingReplica {
  private static final int PAGE_SIZE_AT = 16;

  private final Path database;
  private final Path replica;
  private byte[] before = new byte[0];
  private Txid txid = Txid.NONE;

  GrowingReplica(Path folder) throws IOException {
    this.database = folder.resolve("primary.db");
    this.replica = Files.createDirectories(folder.resolve("replica"));
  }

  Path replica() {
    return replica;
  }

  Txid txid() {
    return txid;
  }

  byte[] bytes() {
    return before.clone();
  }

  /**
   * Runs statements, each in a transaction of its own, and stores what they changed in one file.
   */
  void commit(String... statements) throws IOException, SQLException {
    execute(statements);
    store(0);
  }

  /** The same as an image of all pages, which stands for the whole history so far. */
  void commitImage(String... statements) throws IOException, SQLException {
    execute(statements);
    before = new byte[0];
    store(9);
  }

  /** Stores that the database is gone. */
  void commitDeletion() throws IOException {
    txid = txid.next();
    TxidRange range = new TxidRange(txid, txid);
    LtxHeader header = LtxHeader.of(1024, 0, range, 1_790_000_000_000L + txid.value());
    Path temporary = replica.resolve("ltx/0/unfinished");
    try (OutputStream out = Files.newOutputStream(temporary);
        LtxEncoder encoder = new LtxEncoder(out, header)) {
      encoder.finish();
    }
    Files.move(
        temporary, replica.resolve("ltx/0/" + range + ".ltx"), StandardCopyOption.ATOMIC_MOVE);
  }

  private void execute(String... statements) throws SQLException {
    try (Connection connection = DriverManager.getConnection("jdbc:sqlite:" + database);
        Statement statement = connection.createStatement()) {
      statement.execute("PRAGMA synchronous = OFF");
      for (String sql : statements) {
        statement.execute(sql);
      }
    }
  }

  private void store(int level) throws IOException {
    byte[] after = Files.readAllBytes(database);
    int field = ByteBuffer.wrap(after).getShort(PAGE_SIZE_AT) & 0xffff;
    int pageSize = field == 1 ? 65536 : field;
    txid = txid.next();
    TxidRange range = new TxidRange(level == 9 ? Txid.FIRST : txid, txid);
    Path folder = Files.createDirectories(replica.resolve("ltx/" + level));
    Path temporary = folder.resolve("unfinished");
    LtxHeader header =
        LtxHeader.of(pageSize, after.length / pageSize, range, 1_790_000_000_000L + txid.value());
    try (OutputStream out = Files.newOutputStream(temporary);
        LtxEncoder encoder = new LtxEncoder(out, header)) {
      for (int at = 0; at < after.length; at += pageSize) {
        boolean isSame =
            at + pageSize <= before.length
                && Arrays.equals(before, at, at + pageSize, after, at, at + pageSize);
        if (!isSame) {
          encoder.page(at / pageSize + 1, Arrays.copyOfRange(after, at, at + pageSize));
        }
      }
      encoder.finish();
    }
    Files.move(temporary, folder.resolve(range + ".ltx"), StandardCopyOption.ATOMIC_MOVE);
    before = after;
  }

  void delete(int level, long min, long max) throws IOException {
    Files.delete(
        replica.resolve(
            "ltx/" + level + "/" + new TxidRange(new Txid(min), new Txid(max)) + ".ltx"));
  }
}
