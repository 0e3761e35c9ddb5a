package dev.sluice.examples.hikaricp;

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
  void printsWhatOneTransactionSees() throws Exception {
    assertEquals(List.of("126 passages, 79480 cents at TXID 0000000000000006"), outputOf(REPLICA));
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
