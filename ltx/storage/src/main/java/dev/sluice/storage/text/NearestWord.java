package dev.sluice.storage.text;

import java.util.Collection;
import java.util.Comparator;
import java.util.Optional;

/** Finds the known word that a mistyped one was most likely meant to be. */
public final class NearestWord {

  private NearestWord() {}

  /**
   * Returns the candidate that begins with {@code word}, or else has the fewest edits from it and
   * no more than a third of its length; of several the first in alphabetical order.
   */
  public static Optional<String> of(String word, Collection<String> candidates) {
    return candidates.stream()
        .filter(known -> distance(word, known) <= word.length() / 3)
        .min(
            Comparator.<String>comparingInt(known -> distance(word, known))
                .thenComparing(Comparator.naturalOrder()));
  }

  private static int distance(String word, String known) {
    return known.startsWith(word) ? 0 : edits(word, known);
  }

  /**
   * Returns how many insertions, deletions and replacements turn one word into the other
   * (Levenshtein).
   */
  private static int edits(String a, String b) {
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
