package dev.sluice.cache;

import dev.sluice.ltx.Txid;
import java.util.Arrays;
import java.util.NavigableSet;
import java.util.Optional;
import java.util.Set;
import java.util.function.IntPredicate;

/**
 * A search for other files that moved no page of a view, though every file that might have been a
 * source was there and was looked into: to look into the same ones again is of no use. Nothing that
 * becomes known later of the time after the view makes a source of a file that ended within what
 * was known already, because what has changed stays changed. Immutable.
 *
 * @param moves of the view, before the search and after it
 * @param newest the latest view's origin, whose map says what changed after the view
 * @param leaving the numbers of the view's files that were to be left
 * @param bounds of the pages in these files
 * @param asked the numbers of the files that are no source of any of these pages
 */
record Futile(
    long moves,
    Optional<Object> newest,
    Set<Integer> leaving,
    NavigableSet<Txid> bounds,
    Set<Integer> asked) {

  /** Returns whether every page that is to be moved now was sought then, from the same place. */
  boolean covers(View view, Optional<Object> newestNow, IntPredicate isLeaving) {
    return view.moves() == moves
        && newestNow.equals(newest)
        && Arrays.stream(view.pages().files()).filter(isLeaving).allMatch(leaving::contains);
  }
}
