package dev.sluice.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
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
  void signalThatAChildMayHaveAlreadyIsPassedOnLate() throws Exception {
    ChildCommand child = child();
    child.passOn("USR1", Duration.ofMillis(50));
    assertEquals(7, child.await());
  }

  @Test
  void childThatEndsByItselfGetsNoSignal() throws Exception {
    ChildCommand child = child();
    CompletableFuture<Void> passedOn =
        CompletableFuture.runAsync(
            () -> {
              try {
                child.passOn("USR1", Duration.ofSeconds(30));
              } catch (InterruptedException e) {
                throw new IllegalStateException(e);
              }
            });
    child.signal("TERM");
    passedOn.get(20, TimeUnit.SECONDS);
    assertEquals(8, child.await());
  }

  @Test
  void foregroundIsThatOfTheTerminal() {
    assertTrue(ForegroundGroup.isInForeground("7 (a) b) S 1 7 5 34816 7 4194560 1"));
    assertFalse(ForegroundGroup.isInForeground("7 (java) S 1 7 5 34816 9 4194560 1"));
    assertFalse(ForegroundGroup.isInForeground("7 (java) S 1 7 5 0 -1 4194560 1"));
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
