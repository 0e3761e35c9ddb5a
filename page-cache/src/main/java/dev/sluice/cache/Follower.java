package dev.sluice.cache;

import dev.sluice.ltx.LtxFormatException;
import dev.sluice.ltx.Txid;
import dev.sluice.storage.Deadline;
import dev.sluice.storage.LtxFile;
import dev.sluice.storage.ReplicaClient;
import dev.sluice.storage.ReplicaException;
import java.io.IOException;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Follows a replica: looks for new files, makes the view that they lead to from the latest one, and
 * publishes it.
 *
 * <p>Most looks are cheap. A complete listing is made first, every 30 seconds, and whenever a look
 * leaves a question open: is it the same replica, is there a way past a gap? A gap that no level
 * closes is published up to, told, and looked at again ever more seldom up to those 30 seconds; a
 * malformed file is done without where another level holds its TXIDs, and read again as seldom. A
 * view is proven the newest only by a look that left no question open.
 *
 * <p>Without a latest view, if only the past is open, every look is a complete listing every 30
 * seconds, for upkeep. Confined to one thread at a time.
 */
final class Follower {
  private static final Logger log = LoggerFactory.getLogger(Follower.class);

  private static final Duration LOOK_AT_ALL = Duration.ofSeconds(30);

  /** Where files of level 0 go at once, relocation is left to the reads. */
  private static final Duration LOOK_AT_ALL_SOONEST = Duration.ofSeconds(1);

  private static final Duration FIRST_REPAIR = Duration.ofSeconds(1);

  /** A listing of everything is made at least so often while the youngest file grows old. */
  private static final int LOOKS_IN_AN_AGE = 10;

  private static final int FILES_AT_ONCE = 512;

  private final Parts parts;
  private final Lookout lookout;
  private final Openings openings;
  private final Upkeep upkeep;

  private final MalformedFiles malformed;

  /** What this look has listed completely. */
  private Optional<List<LtxFile>> listed = Optional.empty();

  private boolean wasEverComplete;
  private long completeNanos;
  private Duration repairPause = Duration.ZERO;

  Follower(Parts parts, Lookout lookout, Openings openings, Upkeep upkeep) {
    this.parts = parts;
    this.lookout = lookout;
    this.openings = openings;
    this.upkeep = upkeep;
    this.malformed = new MalformedFiles(parts.ticker());
  }

  /**
   * Looks once.
   *
   * @param deadline of the look, and of reading the files that it finds
   * @throws ViewException what is wrong with the history: {@link ViewException.Gap} after as much
   *     of it was published as there is
   * @throws LtxFormatException if a malformed file is the reason why there is no more
   * @throws ReplicaException if the storage does not answer
   */
  void poll(Deadline deadline) throws IOException {
    parts.inFlight().enter();
    try {
      follow(deadline);
    } catch (ViewException.Deleted | ViewException.Replaced e) {
      String reason = String.valueOf(e.getMessage());
      boolean isDeleted = e instanceof ViewException.Deleted;
      parts
          .history()
          .end(
              () ->
                  isDeleted
                      ? new ViewException.Deleted(reason)
                      : new ViewException.Replaced(reason));
      throw e;
    } finally {
      parts.inFlight().leave();
      listed.ifPresent(upkeep::begin);
      listed = Optional.empty();
    }
  }

  private void follow(Deadline deadline) throws IOException {
    if (parts.history().latest().isEmpty()) {
      if (isCompleteDue()) {
        lookAtAll(deadline);
      }
      return;
    }
    Lookout.News news = firstLook(deadline);
    Set<LtxFile> unusable = malformed.unusable();
    while (true) {
      try {
        Chain chain = Chain.after(reached(), news.files(), unusable);
        if (chain.hasGap() && !news.isComplete() && isRepairDue()) {
          news = lookAtAll(deadline);
          continue;
        }
        publish(chain, news.askedNanos(), unusable, deadline);
        learn(news);
        conclude(chain, news);
        return;
      } catch (MalformedFileException e) {
        log.warn("{}", e.reason().getMessage());
        malformed.add(e.file(), e.reason());
        unusable.add(e.file());
      } catch (ReplicaException.NotFound | ReplicaException.Conflict e) {
        // A listing that is out of date, or a file that cannot be had: it is done without for now.
        if (!news.isComplete() && isRepairDue()) {
          news = lookAtAll(deadline);
        }
      }
    }
  }

  /** What lies beyond a gap is not learned, so that looks bring what is to fill it. */
  private void learn(Lookout.News news) {
    Txid end = reached();
    lookout.learn(
        news.files().stream().filter(file -> !file.name().range().max().isAfter(end)).toList(),
        news.isComplete());
  }

  private Txid reached() {
    return latest().txid();
  }

  private View latest() {
    return parts.history().latest().orElseThrow();
  }

  private Lookout.News firstLook(Deadline deadline) throws IOException {
    return isCompleteDue() ? lookAtAll(deadline) : look(deadline);
  }

  private Lookout.News look(Deadline deadline) throws IOException {
    Lookout.News news = lookout.look(parts.source().client(), deadline);
    return parts.identity().isProvenBy(news.files()) ? news : lookAtAll(deadline);
  }

  private Lookout.News lookAtAll(Deadline deadline) throws IOException {
    Lookout.News news = lookout.lookAtAll(parts.source().client(), deadline);
    if (!parts.identity().require(news.files(), news.askedNanos())) {
      throw new ReplicaException.Unavailable(
          "follow " + parts.location() + ": the replica has no files any more");
    }
    completeNanos = parts.ticker().getAsLong();
    wasEverComplete = true;
    openings.learn(news.files());
    malformed.retain(news.files());
    listed = Optional.of(news.files());
    return news;
  }

  /** Returns whether the next look lists everything. */
  boolean isCompleteDue() {
    Duration most = upkeep.levelZeroAge().dividedBy(LOOKS_IN_AN_AGE);
    Duration often = most.compareTo(LOOK_AT_ALL_SOONEST) > 0 ? most : LOOK_AT_ALL_SOONEST;
    return !wasEverComplete || isPast(shorter(LOOK_AT_ALL, often));
  }

  /** A gap that a complete listing has just shown to be there is not looked into again at once. */
  private boolean isRepairDue() {
    return repairPause.isZero() || isPast(repairPause);
  }

  private boolean isPast(Duration sinceComplete) {
    return parts.ticker().getAsLong() - completeNanos >= sinceComplete.toNanos();
  }

  private static Duration shorter(Duration one, Duration other) {
    return one.compareTo(other) < 0 ? one : other;
  }

  /**
   * Publishes what a chain leads to, in several steps if it is long: each is a state. What is not
   * the newest is as fresh as what it follows on.
   *
   * @param unusable takes the file that is not there, if one is not
   */
  private void publish(Chain chain, long askedNanos, Set<LtxFile> unusable, Deadline deadline)
      throws IOException {
    ReplicaClient retrying = parts.retries().until(deadline, parts.source().client());
    List<LtxFile> files = chain.files();
    for (int from = 0; from < files.size(); from += FILES_AT_ONCE) {
      List<LtxFile> some = files.subList(from, Math.min(files.size(), from + FILES_AT_ONCE));
      Opening opening = new Opening(parts.source().with(retrying), deadline);
      View view = follow(opening, some, unusable);
      parts.identity().know(some);
      malformed.remove(some);
      latest().provenNanos().ifPresent(view::prove);
      if (view.txid().equals(chain.newest())) {
        view.prove(askedNanos);
      }
      if (!parts.history().publish(view)) {
        parts.history().requireSame();
        parts.requireOpen();
      }
    }
  }

  private View follow(Opening opening, List<LtxFile> files, Set<LtxFile> unusable)
      throws IOException {
    try {
      return opening.follow(latest(), files);
    } catch (ReplicaException.NotFound | ReplicaException.Conflict e) {
      if (opening.absent().isEmpty() || !unusable.add(opening.absent().get())) {
        throw new ReplicaException.Unavailable(String.valueOf(e.getMessage()), e);
      }
      throw e;
    }
  }

  private void conclude(Chain chain, Lookout.News news) throws IOException {
    if (!chain.hasGap()) {
      repairPause = Duration.ZERO;
      latest().prove(news.askedNanos());
      return;
    }
    if (news.isComplete()) {
      Duration next = repairPause.isZero() ? FIRST_REPAIR : repairPause.multipliedBy(2);
      repairPause = shorter(next, LOOK_AT_ALL);
    }
    throw trouble(chain);
  }

  private IOException trouble(Chain chain) {
    Optional<LtxFormatException> reason =
        malformed.reason(
            file ->
                !file.name().range().min().isAfter(chain.end().next())
                    && file.name().range().max().isAfter(chain.end()));
    if (reason.isPresent()) {
      return reason.get();
    }
    return new ViewException.Gap(
        "follow "
            + parts.location()
            + ": TXID "
            + chain.end().next()
            + " is missing: the last good one is "
            + chain.end()
            + ", the newest file ends at "
            + chain.newest());
  }
}
