package dev.sluice.cli;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sluice.testkit.Golden;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Every golden replica at every TXID, from a directory: what is restored and what is queried. */
final class GoldenCliTest {

  @TempDir Path folder;

  static List<Golden> goldens() {
    return Golden.all();
  }

  @ParameterizedTest
  @MethodSource("goldens")
  void restoreAndSqlShowTheImageOfEachTxid(Golden golden) throws Exception {
    String replica = golden.copyTo(folder).toString();
    for (var image : golden.images().entrySet()) {
      Path restored = folder.resolve(image.getKey() + ".db");
      CliRun.done("restore", "-o", restored.toString(), "-txid", image.getKey(), replica);
      assertEquals(image.getValue(), sha256(restored), image.getKey());
      assertSameRows(restored, replica, image.getKey());
      Files.delete(restored);
    }
  }

  @ParameterizedTest
  @MethodSource("goldens")
  void withoutTargetTheNewestStateIsMeant(Golden golden) throws Exception {
    String replica = golden.copyTo(folder).toString();
    Path restored = folder.resolve("latest.db");
    CliRun.done("restore", "-o", restored.toString(), "--integrity-check=full", replica);
    assertEquals(golden.images().get(golden.images().lastKey()), sha256(restored));
    assertEquals(
        golden.images().lastKey() + "\n",
        CliRun.done("sql", replica, "SELECT litestream_txid()").out());
  }

  private static void assertSameRows(Path restored, String replica, String txid) throws Exception {
    List<String> statements = statements(restored);
    ByteArrayOutputStream expected = new ByteArrayOutputStream();
    Output out = new Output(expected);
    try (Connection connection = DriverManager.getConnection(immutable(restored))) {
      new SqlRunner(connection, new ListFormat(out), () -> {}).run(statements);
    }
    out.flush();
    List<String> command = new ArrayList<>(List.of("sql", "--txid", txid, replica));
    command.addAll(statements);
    assertTrue(expected.size() > 0);
    assertArrayEquals(
        expected.toByteArray(), CliRun.done(command.toArray(String[]::new)).outBytes(), txid);
  }

  private static List<String> statements(Path database) throws SQLException {
    List<String> statements =
        new ArrayList<>(
            List.of("PRAGMA page_count; PRAGMA integrity_check; SELECT * FROM sqlite_schema"));
    try (Connection connection = DriverManager.getConnection(immutable(database));
        Statement statement = connection.createStatement();
        ResultSet tables =
            statement.executeQuery(
                "SELECT format('SELECT * FROM \"%w\"', name) FROM sqlite_schema WHERE type = 'table'")) {
      while (tables.next()) {
        statements.add(tables.getString(1));
      }
    }
    return statements;
  }

  private static String immutable(Path database) {
    return "jdbc:sqlite:file:" + database + "?immutable=1";
  }

  private static String sha256(Path file) throws IOException, NoSuchAlgorithmException {
    return HexFormat.of()
        .formatHex(MessageDigest.getInstance("SHA-256").digest(Files.readAllBytes(file)));
  }
}
