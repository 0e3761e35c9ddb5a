package dev.sluice.replicator;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sluice.ltx.Txid;
import dev.sluice.storage.ReplicaUrl;
import dev.sluice.testkit.Golden;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.HexFormat;
import java.util.Optional;
import java.util.stream.Stream;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * A replica that Litestream's daemon has written goes on from any of its states: the database is
 * restored, an application commits, and old and new TXIDs are what they should be.
 */
class GoldenContinuedTest {
  private static final Duration SURELY = Duration.ofSeconds(60);

  @TempDir Path folder;

  @ParameterizedTest
  @ValueSource(strings = {"live-4096", "live-gens-1024", "live-gap-4096"})
  void replicaOfTheDaemonGoesOnFromEachOfItsStates(String name) throws Exception {
    Golden golden = Golden.named(name);
    Path whole = golden.copyTo(Files.createDirectory(folder.resolve("golden")));
    for (String text : golden.images().keySet()) {
      Txid txid = Txid.parse(text);
      Path home = Files.createDirectory(folder.resolve(text));
      goOn(golden, txid, until(whole, txid, home), home.resolve("app.db"));
    }
  }

  /** Copies what there was when a TXID was the newest. */
  private static Path until(Path whole, Txid last, Path home) throws IOException {
    Path replica = home.resolve("replica");
    try (Stream<Path> all = Files.walk(whole)) {
      for (Path file : all.filter(Files::isRegularFile).toList()) {
        String range = String.valueOf(file.getFileName());
        if (!Txid.parse(range.substring(17, 33)).isAfter(last)) {
          Path to = replica.resolve(whole.relativize(file).toString());
          Files.createDirectories(Optional.ofNullable(to.getParent()).orElseThrow());
          Files.copy(file, to);
        }
      }
    }
    return replica;
  }

  private static void goOn(Golden golden, Txid txid, Path replica, Path database) throws Exception {
    ReplicaContents contents = new ReplicaContents(ReplicaUrl.ofDirectory(replica.toString()));
    contents.restore(txid, database);
    requireGolden(golden, txid, database);
    Txid first;
    Txid second;
    try (Replicator replicator = Replicator.builder().start();
        Connection application = DriverManager.getConnection("jdbc:sqlite:" + database)) {
      execute(application, "PRAGMA busy_timeout=10000");
      ReplicatedDatabase replicated = replicator.add(database, contents.url());
      execute(application, "CREATE TABLE went_on(number INTEGER)");
      execute(application, "INSERT INTO went_on VALUES(1)");
      first = replicated.syncAndWait(SURELY);
      execute(application, "UPDATE went_on SET number = 2");
      second = replicated.syncAndWait(SURELY);
    }
    assertTrue(first.isAfter(txid), () -> first + " after " + txid);
    assertEquals(1, number(contents.restore(first, database.resolveSibling("first.db"))));
    Path last = contents.restore(second, database.resolveSibling("second.db"));
    assertEquals(2, number(last));
    assertEquals(-1, Files.mismatch(database, last), "TXID " + second + " is not the database");
    requireGolden(golden, txid, contents.restore(txid, database.resolveSibling("before.db")));
    Txid oldest = Txid.parse(golden.images().firstKey());
    requireGolden(golden, oldest, contents.restore(oldest, database.resolveSibling("oldest.db")));
  }

  private static void requireGolden(Golden golden, Txid txid, Path database) throws Exception {
    byte[] sum = MessageDigest.getInstance("SHA-256").digest(Files.readAllBytes(database));
    assertEquals(golden.images().get(txid.toString()), HexFormat.of().formatHex(sum));
  }

  private static void execute(Connection connection, String sql) throws SQLException {
    try (Statement statement = connection.createStatement()) {
      statement.execute(sql);
    }
  }

  private static long number(Path database) throws SQLException {
    try (Connection connection = DriverManager.getConnection("jdbc:sqlite:" + database);
        Statement statement = connection.createStatement();
        ResultSet row =
            statement.executeQuery(
                "SELECT number, integrity_check FROM went_on, pragma_integrity_check")) {
      assertTrue(row.next());
      assertEquals("ok", row.getString(2));
      return row.getLong(1);
    }
  }
}
