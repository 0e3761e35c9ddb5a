package dev.sluice.storage.text;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class SizesTest {

  @ParameterizedTest
  @CsvSource({
    "0, 0",
    "4096, 4096",
    "4096B, 4096",
    "64MB, 64000000",
    "64mb, 64000000",
    "64MiB, 67108864",
    "64 MiB, 67108864",
    "1KB, 1000",
    "1KiB, 1024",
    "2GB, 2000000000",
    "2GiB, 2147483648",
    "1.5GB, 1500000000",
    "0.5KiB, 512",
    "9223372036854775807, 9223372036854775807",
  })
  void decimalAndBinaryUnitsAreTaken(String text, long bytes) {
    assertEquals(bytes, Sizes.parse(text));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        "MB",
        "-1",
        "1.5",
        "1K",
        "1G",
        "1TB",
        "1 2",
        "0x10",
        "1e3",
        "1,000",
        "0.0001KB",
        "9223372036854775808",
        "9000000000GiB",
        "٣"
      })
  void whatIsNoSizeIsQuoted(String text) {
    String message =
        assertThrows(IllegalArgumentException.class, () -> Sizes.parse(text)).getMessage();
    assertTrue(String.valueOf(message).contains("\"" + text + "\""), message);
  }

  @Test
  void aBareLetterIsAmbiguous() {
    String message =
        assertThrows(IllegalArgumentException.class, () -> Sizes.parse("64M")).getMessage();
    assertTrue(String.valueOf(message).contains("MB or MiB"), message);
  }

  @ParameterizedTest
  @CsvSource({
    "0, 0",
    "1, 1",
    "1000, 1KB",
    "1024, 1KiB",
    "64000000, 64MB",
    "67108864, 64MiB",
    "1500000, 1500KB"
  })
  void formatTakesTheLargestWholeUnit(long bytes, String expected) {
    assertEquals(expected, Sizes.format(bytes));
  }

  @Test
  void whatIsFormattedIsParsedBack() {
    for (int seed = 0; seed < 2000; seed++) {
      Random random = new Random(seed);
      long bytes = random.nextLong() >>> (1 + random.nextInt(62));
      bytes -= bytes % (random.nextBoolean() ? 1000 : 1024);
      assertEquals(bytes, Sizes.parse(Sizes.format(bytes)), "seed " + seed);
    }
  }
}
