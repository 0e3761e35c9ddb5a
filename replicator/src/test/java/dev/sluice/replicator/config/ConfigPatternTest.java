package dev.sluice.replicator.config;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

final class ConfigPatternTest {

  @ParameterizedTest
  @CsvSource(
      delimiter = '#',
      quoteCharacter = '~',
      value = {
        "*.db#a.db#true",
        "*.db#.db#true",
        "*.db#a.db2#false",
        "*.db#a_db#false",
        "a?c#abc#true",
        "a?c#ac#false",
        "?#😀#true",
        "tenant-[0-9][0-9].db#tenant-07.db#true",
        "tenant-[0-9][0-9].db#tenant-x7.db#false",
        "[^a-c]*#dx#true",
        "[^a-c]*#bx#false",
        "[!a]#!#true",
        "{a,b}#a#false",
        "{a,b}#{a,b}#true",
        "a\\*b#a*b#true",
        "a\\*b#axb#false",
        "[\\]x]#]#true",
        "[z-a]#m#false",
        "[^z-a]#m#true",
        "[a&&b]#&#true",
        "a.c#abc#false"
      })
  void nameIsMatchedAsGoDoes(String pattern, String name, boolean isMatched) {
    assertEquals(isMatched, GoPattern.parse(pattern).matches(name));
  }

  @ParameterizedTest
  @ValueSource(strings = {"[", "[]", "[a", "[]a]", "[-]", "[a-]", "[x-]y", "a\\", "[a-\\", "[^"})
  void whatIsNoPatternIsRefused(String pattern) {
    assertThrows(IllegalArgumentException.class, () -> GoPattern.parse(pattern));
  }
}
