package dev.sluice.replicator.config;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.Map;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

final class ConfigTextTest {

  /** What Go's os.Expand makes of the same, with A=1 and B_2=two. */
  @ParameterizedTest
  @CsvSource(
      delimiter = '#',
      quoteCharacter = '~',
      value = {
        "a$A-b          # a1-b",
        "${A}${B_2}     # 1two",
        "$B_2x          # ~~",
        "${B_2}x        # twox",
        "$PID           # 4711",
        "x$$A           # xA",
        "cost: 5$       # cost: 5$",
        "a$ b           # a$ b",
        "$1A            # A",
        "${}x           # x",
        "${A            # A",
        "a$é            # a$é",
      })
  void variablesAreExpandedAsGoDoes(String text, String expanded) {
    ConfigText result =
        ConfigText.expand("f", text.strip(), Given.surroundings(Map.of("A", "1", "B_2", "two")));
    assertEquals(expanded, result.expanded());
  }
}
