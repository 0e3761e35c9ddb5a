package dev.sluice.replicator;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sluice.ltx.Txid;
import dev.sluice.replicator.DatabaseStatus.Phase;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

final class PatienceTest {
  private static final long SECOND = TimeUnit.SECONDS.toNanos(1);

  private final Patience patience = new Patience(Duration.ofSeconds(60));

  private static DatabaseStatus status(long uploaded, String trouble) {
    return new DatabaseStatus(
        Path.of("a.db"),
        "file:///r",
        Phase.ENDING,
        new Txid(3),
        new Txid(uploaded),
        Duration.ofSeconds(1),
        4096,
        trouble.isEmpty() ? Optional.empty() : Optional.of(trouble));
  }

  @Test
  void troubleThatIsGoneAtEachAttemptIsLongEnoughInTheEnd() {
    long second = -SECOND;
    boolean isOver = false;
    int seconds = 0;
    while (!isOver && seconds < 200) {
      long uploaded = seconds % 20 == 0 ? 0 : 1; // it is checked anew
      isOver =
          patience.isOver(
              status(uploaded, seconds % 20 < 2 ? "" : "why"), second + seconds * SECOND);
      seconds++;
    }
    assertEquals(69, seconds);
  }

  @Test
  void whatGoesOnMayTakeLong() {
    long now = -SECOND;
    assertFalse(patience.isOver(status(0, "why"), now));
    assertFalse(patience.isOver(status(0, ""), now + 50 * SECOND));
    assertFalse(patience.isOver(status(0, ""), now + 5000 * SECOND));
    assertFalse(patience.isOver(status(1, "why"), now + 5001 * SECOND));
    assertFalse(patience.isOver(status(1, "why"), now + 5060 * SECOND));
    assertTrue(patience.isOver(status(1, "why"), now + 5061 * SECOND));
  }
}
