package dev.sluice.examples.hikaricp;

import static org.junit.jupiter.api.Assertions.assertEquals;

import com.zaxxer.hikari.HikariDataSource;
import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

final class MainTest {
  private static final String REPLICA =
      "file:" + System.getProperty("sluice.root") + "/docs/example";

  @TempDir Path folder;

  @Test
  void printsWhatOneTransactionSees() throws Exception {
    assertEquals(List.of("126 passages, 79480 cents at TXID 0000000000000006"), outputOf(REPLICA));
  }

  @Test
  void aTransactionKeepsItsViewAndTheNextSeesTheNewest() throws Exception {
    Path from = Path.of(System.getProperty("sluice.root"), "docs/example/ltx/0");
    Path to = Files.createDirectories(folder.resolve("ltx/0"));
    for (int txid = 1; txid <= 4; txid++) {
      copy(from, to, txid);
    }
    try (HikariDataSource pool = Main.pool("file:" + folder);
        Connection connection = pool.getConnection()) {
      String old = "7 passages, 17500 cents at TXID 0000000000000004";
      assertEquals(old, Main.report(connection));
      copy(from, to, 5);
      copy(from, to, 6);
      awaitNewest(pool);
      assertEquals(old, Main.report(connection));
      connection.commit();
      assertEquals("126 passages, 79480 cents at TXID 0000000000000006", Main.report(connection));
    }
  }

  /** The pool's own queries would else begin a transaction, which pins what they read. */
  @Test
  void aConnectionThatThePoolTriedBeforeSeesTheNewest() throws Exception {
    Path from = Path.of(System.getProperty("sluice.root"), "docs/example/ltx/0");
    Path to = Files.createDirectories(folder.resolve("ltx/0"));
    for (int txid = 1; txid <= 4; txid++) {
      copy(from, to, txid);
    }
    try (HikariDataSource pool = Main.pool("file:" + folder)) {
      copy(from, to, 5);
      copy(from, to, 6);
      awaitNewest(pool);
      List<String> reports = new ArrayList<>();
      // Who is handed which connection is the pool's affair: all of them, so the tried one as well.
      try (Connection first = pool.getConnection();
          Connection second = pool.getConnection();
          Connection third = pool.getConnection();
          Connection fourth = pool.getConnection()) {
        for (Connection connection : List.of(first, second, third, fourth)) {
          reports.add(Main.report(connection));
        }
      }
      assertEquals(
          Collections.nCopies(4, "126 passages, 79480 cents at TXID 0000000000000006"), reports);
    }
  }

  private static void awaitNewest(HikariDataSource pool) throws Exception {
    try (Connection other = DriverManager.getConnection(pool.getJdbcUrl())) {
      try (Statement statement = other.createStatement()) {
        statement.execute("SELECT litestream_wait_txid('6', 30)");
      }
    }
  }

  private static void copy(Path from, Path to, int txid) throws Exception {
    String name = "%016x-%016x.ltx".formatted(txid, txid);
    Path whole = to.resolve(name + ".tmp"); // a file is there as a whole, or not at all
    Files.copy(from.resolve(name), whole);
    Files.move(whole, to.resolve(name), StandardCopyOption.ATOMIC_MOVE);
  }

  private static List<String> outputOf(String... arguments) throws Exception {
    PrintStream console = System.out;
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    System.setOut(new PrintStream(bytes, true, StandardCharsets.UTF_8));
    try {
      Main.main(arguments);
    } finally {
      System.setOut(console);
    }
    return bytes.toString(StandardCharsets.UTF_8).lines().toList();
  }
}
