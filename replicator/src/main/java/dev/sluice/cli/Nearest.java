package dev.sluice.cli;

import java.util.Collection;
import java.util.Comparator;

/** Finds the known word that a mistyped one was most likely meant to be. */
final class Nearest {

  private Nearest() {}

  /**
   * Returns the candidate with the fewest edits from {@code word}; of several the first in
   * alphabetical order.
   */
  static String of(String word, Collection<String> candidates) {
    return candidates.stream()
        .min(
            Comparator.<String>comparingInt(known -> edits(word, known))
                .thenComparing(Comparator.naturalOrder()))
        .orElseThrow(() -> new IllegalArgumentException("no candidates"));
  }

  /**
   * Returns how many insertions, deletions and replacements turn one word into the other
   * (Levenshtein).
   */
  static int edits(String a, String b) {
    int[] previous = new int[b.length() + 1];
    for (int j = 0; j <= b.length(); j++) {
      previous[j] = j;
    }
    for (int i = 1; i <= a.length(); i++) {
      int[] current = new int[b.length() + 1];
      current[0] = i;
      for (int j = 1; j <= b.length(); j++) {
        int replaced = previous[j - 1] + (a.charAt(i - 1) == b.charAt(j - 1) ? 0 : 1);
        current[j] = Math.min(replaced, 1 + Math.min(previous[j], current[j - 1]));
      }
      previous = current;
    }
    return previous[b.length()];
  }
}
