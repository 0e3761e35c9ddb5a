package dev.sluice.replicator.levels;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sluice.storage.LtxFile;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import org.junit.jupiter.api.Test;

class HoldingsTest {
  private static final Instant LONG_BEFORE = Instant.ofEpochSecond(100);

  private long ticks;
  private long wall = 100;
  private final Holdings holdings =
      new Holdings(
          new ClockWatch(
              () -> Instant.ofEpochSecond(wall), () -> Duration.ofSeconds(ticks).toNanos()));

  private static LtxFile file(String text) {
    return new LtxFile(Held.name(text), 7, LONG_BEFORE, "version");
  }

  private List<String> held() {
    return holdings.files().levels().stream()
        .flatMap(List::stream)
        .map(file -> Held.text(file.name()) + "@" + file.since().getEpochSecond())
        .toList();
  }

  private void passes(long seconds) {
    ticks += seconds;
    wall += seconds;
  }

  @Test
  void whatIsStoredOrDeletedDuringAListingIsNotForgotten() {
    holdings.add(file("0:2-2"));
    holdings.add(file("0:3-3"));
    passes(1_900);
    try (Holdings.Changes meanwhile = holdings.watch()) {
      // A snapshot has the time at which its making began.
      holdings.add(file("9:1-3"), 0);
      holdings.remove(List.of(Held.name("0:2-2")));
      holdings.replace(List.of(file("0:2-2"), file("0:3-3")), meanwhile);
    }
    assertEquals(List.of("0:3-3@100", "9:1-3@100"), held());
    assertTrue(holdings.find(Held.name("9:1-3")).isPresent());
    try (Holdings.Changes meanwhile = holdings.watch()) {
      holdings.replace(List.of(file("0:3-3")), meanwhile);
    }
    assertEquals(List.of("0:3-3@100"), held(), "but the next listing has it, or it is gone");
  }

  @Test
  void timesMoveWithTheClock() {
    holdings.add(file("0:2-2"));
    wall += 1_500;
    passes(50);
    assertEquals(Instant.ofEpochSecond(150), holdings.now(), "nobody has looked");
    holdings.add(file("0:3-3"));
    holdings.add(file("9:1-3"), 0);
    assertEquals(Duration.ofMinutes(25), holdings.lookAtClock());
    assertEquals(Instant.ofEpochSecond(1_650), holdings.now());
    holdings.add(file("9:1-4"), 0);
    List<String> ages = List.of("0:2-2@1600", "0:3-3@1650", "9:1-3@1600", "9:1-4@1600");
    assertEquals(ages, held());
    assertEquals(Duration.ZERO, holdings.lookAtClock());
  }
}
