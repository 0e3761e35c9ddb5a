package dev.sluice.examples.springboot;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.List;
import org.junit.jupiter.api.Test;

final class MainTest {
  private static final String REPLICA =
      "file:" + System.getProperty("sluice.root") + "/docs/example";

  @Test
  void printsTheRevenue() throws Exception {
    assertEquals(
        List.of(
            "barge|55|412.39|0000000000000006",
            "canoe|17|87.4|0000000000000006",
            "tug|18|101.21|0000000000000006",
            "yacht|36|193.8|0000000000000006"),
        outputOf("--lock.replica=" + REPLICA));
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
