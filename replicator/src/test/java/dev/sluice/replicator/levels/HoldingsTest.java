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
  private static final Instant NOW = Instant.ofEpochSecond(2_000);

  private final Holdings holdings = new Holdings();

  private static LtxFile file(String text) {
    return new LtxFile(Held.name(text), 7, LONG_BEFORE, "version");
  }

  private List<String> held() {
    return holdings.files().levels().stream()
        .flatMap(List::stream)
        .map(file -> Held.text(file.name()) + "@" + file.since().getEpochSecond())
        .toList();
  }

  @Test
  void whatIsStoredOrDeletedDuringAListingIsNotForgotten() {
    holdings.add(file("0:2-2"), LONG_BEFORE);
    holdings.add(file("0:3-3"), LONG_BEFORE);
    try (Holdings.Changes meanwhile = holdings.watch()) {
      // A snapshot has the time at which its making began.
      holdings.add(file("9:1-3"), LONG_BEFORE);
      holdings.remove(List.of(Held.name("0:2-2")));
      holdings.replace(List.of(file("0:2-2"), file("0:3-3")), meanwhile, NOW);
    }
    assertEquals(List.of("0:3-3@100", "9:1-3@100"), held());
    assertTrue(holdings.find(Held.name("9:1-3")).isPresent());
    try (Holdings.Changes meanwhile = holdings.watch()) {
      holdings.replace(List.of(file("0:3-3")), meanwhile, NOW);
    }
    assertEquals(List.of("0:3-3@100"), held(), "but the next listing has it, or it is gone");
  }

  @Test
  void timesMoveWithTheClock() {
    holdings.add(file("0:2-2"), NOW);
    holdings.shift(Duration.ofMinutes(-25));
    assertEquals(List.of("0:2-2@500"), held());
  }
}
