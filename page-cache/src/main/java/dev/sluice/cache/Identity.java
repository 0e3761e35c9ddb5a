package dev.sluice.cache;

import dev.sluice.storage.LtxFile;
import java.io.IOException;
import java.time.Duration;
import java.util.List;
import java.util.OptionalLong;
import java.util.function.LongSupplier;

/**
 * Says of each listing whether it is of the replica that is followed, and ends the history where it
 * is not.
 *
 * <p>A listing of another replica ends it at once. One that holds nothing that is known may be a
 * replica begun anew, or the same after a long absence, or a listing that is wrong for a moment: it
 * is doubted, whoever comes next opens anew, and such a listing that is asked for a second later
 * ends it. An empty one says nothing. Thread-safe.
 */
final class Identity {
  /**
   * A bad moment of a storage is met by all who list it then, and by who lists it at once again.
   */
  private static final Duration LONGEST_MOMENT = Duration.ofSeconds(1);

  private final Lineage lineage = new Lineage();
  private final History history;
  private final KnownContents contents;
  private final LongSupplier ticker;
  private final String location;

  /** When the history was first doubted, if it is. */
  private volatile OptionalLong doubted = OptionalLong.empty();

  Identity(History history, KnownContents contents, LongSupplier ticker, String location) {
    this.history = history;
    this.contents = contents;
    this.ticker = ticker;
    this.location = location;
  }

  /** Takes files from which a view was made; the first ones are of what is followed. */
  void know(List<LtxFile> files) {
    lineage.know(contents.read(files));
  }

  /**
   * Takes a listing of level 0, or of a few levels.
   *
   * @return false if it does not say whether it is of the same replica: then a complete one is
   *     needed
   * @throws ViewException.Replaced if it is another's
   * @throws dev.sluice.storage.ReplicaException if that cannot be told now
   */
  boolean isProvenBy(List<LtxFile> listed) throws IOException {
    history.requireSame();
    boolean isSame = judge(listed, false) instanceof Lineage.Same;
    if (isSame) {
      doubted = OptionalLong.empty();
    }
    return isSame;
  }

  /**
   * Takes a complete listing.
   *
   * @param askedNanos when it was asked for, by the ticker, or earlier
   * @return false if it is empty
   * @throws ViewException.Replaced if it is another's
   * @throws dev.sluice.storage.ReplicaException if that cannot be told now
   * @throws ViewException.HistoryGone if it has nothing that is known
   */
  boolean require(List<LtxFile> listed, long askedNanos) throws IOException {
    history.requireSame();
    if (listed.isEmpty()) {
      return false;
    }
    if (judge(listed, true) instanceof Lineage.Unknown) {
      String reason =
          location
              + ": history gone: none of the files that were known is there, but "
              + listed.get(0).name()
              + " is";
      doubt(askedNanos, reason);
    }
    doubted = OptionalLong.empty();
    return true;
  }

  private void doubt(long askedNanos, String reason) throws ViewException {
    OptionalLong since = doubted;
    if (since.isEmpty()) {
      doubted = OptionalLong.of(ticker.getAsLong());
    } else if (askedNanos - since.getAsLong() >= LONGEST_MOMENT.toNanos()) {
      history.end(() -> new ViewException.HistoryGone(reason));
      history.requireSame();
    }
    throw new ViewException.HistoryGone(reason);
  }

  private Lineage.Verdict judge(List<LtxFile> listed, boolean isComplete) throws IOException {
    Lineage.Verdict verdict = lineage.compare(listed, isComplete);
    while (verdict instanceof Lineage.Other other && contents.isSame(other.before(), other.now())) {
      lineage.know(List.of(new Lineage.Known(other.now(), other.before().fingerprint())));
      verdict = lineage.compare(listed, isComplete);
    }
    if (verdict instanceof Lineage.Other other) {
      String reason =
          location
              + ": the replica was replaced: "
              + described(other.before().file())
              + " has become "
              + described(other.now())
              + ": open it again";
      history.end(() -> new ViewException.Replaced(reason));
      history.requireSame();
    }
    return verdict;
  }

  private static String described(LtxFile file) {
    return file.name() + " (" + file.size() + " bytes, version " + file.version() + ")";
  }

  /** Returns by what the replica is told from another. */
  List<Lineage.Known> remembered() {
    return lineage.remembered();
  }

  /** Returns whether who comes next needs another object for the same URL. */
  boolean isDoubtful() {
    return doubted.isPresent() || history.hasEnded();
  }
}
