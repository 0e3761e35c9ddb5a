package dev.sluice.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

final class ChildCommandTest {
  @TempDir Path folder;

  /** Waits for signals: 7 after USR1, 8 after TERM. */
  private ChildCommand child() throws Exception {
    Path ready = folder.resolve("ready");
    Path script =
        Files.writeString(
            folder.resolve("child.sh"),
            "trap 'exit 7' USR1; trap 'exit 8' TERM; : >'"
                + ready
                + "'; while :; do sleep 0.05; done");
    ChildCommand child = ChildCommand.start("sh '" + script + "'");
    long since = System.nanoTime();
    while (!Files.exists(ready)) {
      assertTrue(System.nanoTime() - since < 30_000_000_000L, "it does not begin");
      Thread.onSpinWait();
    }
    return child;
  }

  @Test
  void signalIsPassedOnAsItIs() throws Exception {
    ChildCommand child = child();
    child.signal("USR1");
    assertEquals(7, child.await());
    child.signal("USR1"); // nobody is there any more
  }

  @Test
  void terminationIsPassedOn() throws Exception {
    ChildCommand child = child();
    child.signal("TERM");
    assertEquals(8, child.await());
  }

  @Test
  void killedChildEndsAtOnce() throws Exception {
    ChildCommand child = child();
    child.kill();
    assertEquals(128 + 9, child.await());
  }

  @Test
  void wordsAreSplitAsLitestreamSplitsThem() throws Exception {
    assertEquals(
        List.of("a", "b c", "d e", "f g", "$h", ""),
        ChildCommand.words(" a 'b c'  \"d e\" f\\ g $h ''"));
    assertEquals(List.of("\\d+", "d+"), ChildCommand.words("'\\d+' \"\\d+\""));
    assertThrows(Failure.class, () -> ChildCommand.words("a 'b"));
  }
}
