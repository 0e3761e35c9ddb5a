package dev.sluice.examples.plainjdbc;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.List;
import org.junit.jupiter.api.Test;

final class MainTest {
  private static final String REPLICA =
      "file:" + System.getProperty("sluice.root") + "/docs/example";

  @Test
  void printsThePresentAndThePast() throws Exception {
    List<String> lines = outputOf(REPLICA);
    assertEquals(
        List.of("barge|55|412.39", "canoe|17|87.4", "tug|18|101.21", "yacht|36|193.8"),
        lines.subList(0, 4));
    assertTrue(lines.get(4).matches("now: TXID 0000000000000006, lag \\d+"), lines.get(4));
    assertEquals(List.of("barge|2|90.0", "tug|1|15.0"), lines.subList(5, 7));
    assertTrue(lines.get(7).startsWith("then: TXID 0000000000000002, "), lines.get(7));
    assertEquals(8, lines.size());
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
