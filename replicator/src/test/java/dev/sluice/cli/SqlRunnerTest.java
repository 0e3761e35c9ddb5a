package dev.sluice.cli;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Function;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

final class SqlRunnerTest {
  private final ByteArrayOutputStream written = new ByteArrayOutputStream();
  private final AtomicInteger firstRows = new AtomicInteger();

  @ParameterizedTest
  @CsvSource(
      delimiter = '#',
      value = {
        "SELECT 1, NULL, 'a', 2.5               # 1||a|2.5",
        "SELECT 100.0, 1e100, 9e999, -9e999     # 100.0|1.0e+100|Inf|-Inf",
        "SELECT 9223372036854775807             # 9223372036854775807",
        "SELECT ''                              # ''",
        "SELECT 'a|b'                           # a|b",
        "SELECT 'ä€😀'                            # ä€😀"
      })
  void rowsAreWrittenAsTheShellsListMode(String sql, String line) throws Exception {
    run(ListFormat::new, sql);
    assertEquals(line + "\n", written.toString(StandardCharsets.UTF_8));
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '#',
      quoteCharacter = '~',
      value = {
        "SELECT 1 AS a, NULL AS b, 2.5 AS c     # [{\"a\":1,\"b\":null,\"c\":2.5}]",
        "SELECT 1 AS a, 2 AS a, 3 AS a          # [{\"a\":1,\"a:1\":2,\"a:2\":3}]",
        "SELECT 1 AS a, 2 AS \"a:1\", 3 AS a    # [{\"a\":1,\"a:1\":2,\"a:2\":3}]",
        "SELECT x'00ff' AS a                    # [{\"a\":{\"base64\":\"AP8=\"}}]",
        "SELECT 9007199254740992 AS a           # [{\"a\":9007199254740992}]",
        "SELECT 9007199254740993 AS a           # [{\"a\":\"9007199254740993\"}]",
        "SELECT -9223372036854775808 AS a       # [{\"a\":\"-9223372036854775808\"}]",
        "SELECT 9e999 AS a, -9e999 AS b         # [{\"a\":9e999,\"b\":-9e999}]",
        "SELECT char(34, 92, 10, 1, 233) AS a   # [{\"a\":\"\\\"\\\\\\n\\u0001é\"}]",
        "SELECT 1 AS a WHERE 0                  # []"
      })
  void rowsAreWrittenAsJson(String sql, String json) throws Exception {
    run(JsonFormat::new, sql);
    assertEquals(json + "\n", written.toString(StandardCharsets.UTF_8));
  }

  @Test
  void rowsOfJsonStandOnLinesOfTheirOwn() throws Exception {
    run(JsonFormat::new, "SELECT 1 AS a UNION ALL SELECT 2; SELECT 3 AS b");
    assertEquals(
        "[{\"a\":1},\n{\"a\":2}]\n[{\"b\":3}]\n", written.toString(StandardCharsets.UTF_8));
  }

  @Test
  void blobIsWrittenAsItsBytes() throws Exception {
    run(ListFormat::new, "SELECT x'00ff7c0a', 'x'");
    assertArrayEquals(
        new byte[] {0, (byte) 0xff, '|', '\n', '|', 'x', '\n'}, written.toByteArray());
  }

  @Test
  void textThatIsNotUtf8KeepsItsBytes() throws Exception {
    run(ListFormat::new, "SELECT CAST(x'41ff42' AS TEXT)");
    assertArrayEquals(new byte[] {'A', (byte) 0xff, 'B', '\n'}, written.toByteArray());
  }

  @Test
  void statementsWithoutResultWriteNothing() throws Exception {
    run(
        JsonFormat::new,
        "CREATE TABLE t (a); INSERT INTO t VALUES (7); BEGIN; SELECT a FROM t; COMMIT; -- done");
    assertEquals("[{\"a\":7}]\n", written.toString(StandardCharsets.UTF_8));
  }

  @Test
  void failureStopsAndWhatCameBeforeIsWritten() throws Exception {
    Failure failure =
        assertThrows(
            Failure.class,
            () -> run(ListFormat::new, "SELECT 1; SELECT * FROM nowhere; SELECT 2", "SELECT 3"));
    assertEquals("run \"SELECT * FROM nowhere;\": no such table: nowhere", failure.getMessage());
    assertEquals("1\n", written.toString(StandardCharsets.UTF_8));
  }

  @Test
  void failureInTheMiddleOfAResultLeavesItsRows() {
    String sql =
        "SELECT abs(iif(value < 3, value, -9223372036854775808)) AS a FROM json_each('[1,2,3]')";
    assertThrows(Failure.class, () -> run(JsonFormat::new, sql));
    assertEquals("[{\"a\":1},\n{\"a\":2}\n", written.toString(StandardCharsets.UTF_8));
  }

  @Test
  void firstRowIsReportedOnce() throws Exception {
    run(ListFormat::new, "SELECT 1 WHERE 0; SELECT 1 UNION ALL SELECT 2", "SELECT 3");
    assertEquals(1, firstRows.get());
  }

  private void run(Function<Output, RowFormat> format, String... texts)
      throws SQLException, Failure, IOException {
    Output out = new Output(written);
    try (Connection connection = DriverManager.getConnection("jdbc:sqlite::memory:")) {
      new SqlRunner(connection, format.apply(out), firstRows::incrementAndGet).run(List.of(texts));
    } finally {
      out.flush();
    }
  }
}
