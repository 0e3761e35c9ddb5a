package dev.sluice.cache;

import dev.sluice.storage.Deadline;
import dev.sluice.storage.LtxFile;
import dev.sluice.storage.ReplicaClient;
import dev.sluice.storage.ReplicaException;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.Comparator;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.Executor;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.IntPredicate;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Keeps the views that somebody reads readable while retention deletes files: after each complete
 * listing it moves their pages out of files that are gone or will go soon, keeps those pages that
 * nothing else holds, and forgets what no view needs any more.
 *
 * <p>One round at a time, on the executor; a listing that comes during one is left to the next.
 * Thread-safe.
 */
final class Upkeep {
  private static final Logger log = LoggerFactory.getLogger(Upkeep.class);

  private static final int AGAIN_MAX = 3;

  private final Parts parts;
  private final Openings openings;
  private final Means means;
  private final Executor executor;
  private final AtomicBoolean isRunning = new AtomicBoolean();
  private volatile Duration levelZeroAge;

  /** Confined to the round that runs. */
  private final Ages ages;

  /** The files of the listing before, by number. */
  private volatile int[] before = new int[0];

  /**
   * What views are kept readable with.
   *
   * @param limit how long one round may last
   */
  record Means(Recovery.Relocating relocating, PageReader pages, Rescued rescued, Duration limit) {}

  /** Takes where rounds run. */
  Upkeep(Parts parts, Openings openings, Means means, Executor executor) {
    this.parts = parts;
    this.openings = openings;
    this.means = means;
    this.executor = executor;
    this.ages = new Ages(parts.ticker());
    this.levelZeroAge = ages.levelZeroAge();
  }

  /** Returns how old a file of level 0 was at least when it was deleted, as far as was seen. */
  Duration levelZeroAge() {
    return levelZeroAge;
  }

  /** Begins a round by a complete listing of the same replica, unless one runs. */
  void begin(List<LtxFile> listed) {
    if (!isRunning.compareAndSet(false, true)) {
      return;
    }
    try {
      executor.execute(() -> run(listed));
    } catch (RejectedExecutionException e) {
      isRunning.set(false);
    } catch (RuntimeException | Error e) {
      isRunning.set(false); // no thread can be made: the next listing tries again
      throw e;
    }
  }

  private void run(List<LtxFile> listed) {
    try {
      round(listed);
    } catch (RuntimeException e) {
      log.error("looking after the views of {}", parts.location(), e);
    } finally {
      isRunning.set(false);
    }
  }

  private void round(List<LtxFile> listed) {
    FileTable files = parts.source().files();
    int[] present = files.numbersOf(listed);
    ages.observe(Arrays.stream(before).mapToObj(files::file).toList(), listed);
    before = present;
    levelZeroAge = ages.levelZeroAge();
    int[] expiring = files.numbersOf(List.copyOf(ages.expiring(listed)));
    Arrays.sort(expiring);
    int[] sorted = present.clone();
    Arrays.sort(sorted);
    // What is kept is in no view yet, and must not be forgotten meanwhile.
    parts.inFlight().enter();
    try {
      keepReadable(listed, sorted, expiring);
    } finally {
      parts.inFlight().leave();
      forget();
      means.rescued().freeRoom();
      parts.storeUpkeep().remember();
      parts.storeUpkeep().checkpointIfDue();
    }
  }

  private void keepReadable(List<LtxFile> listed, int[] present, int[] expiring) {
    Deadline deadline = Deadline.after(means.limit(), System::nanoTime);
    ReplicaClient retrying = parts.retries().until(deadline, parts.source().client());
    Relocator relocator = means.relocating().by(listed, retrying, deadline);
    IntPredicate isGone = file -> Arrays.binarySearch(present, file) < 0;
    IntPredicate isExpiring = file -> Arrays.binarySearch(expiring, file) >= 0;
    IntPredicate isLeaving =
        file -> file != Rescued.FILE && (isGone.test(file) || isExpiring.test(file));
    for (View view : parts.history().live()) {
      relocate(view, relocator, isLeaving);
    }
    // Who came to follow meanwhile may have begun with what was not relocated yet.
    for (int again = 0; again < AGAIN_MAX && latestHas(isLeaving); again++) {
      relocate(parts.history().latest().orElseThrow(), relocator, isLeaving);
    }
    // Level 0 goes first and surely; what else is kept leaves half of the room to it.
    FileTable files = parts.source().files();
    IntPredicate isSoon =
        file ->
            isExpiring.test(file)
                && files.find(file).filter(each -> each.name().level() == 0).isPresent();
    means.rescued().freeRoom(); // of what was forgotten since the last round
    rescue(isSoon, 1, deadline);
    rescue(isExpiring, 2, deadline);
    share();
  }

  /**
   * Has views share what they have in common, after pages of one were moved, the newest first: its
   * map stays as it is.
   */
  private void share() {
    Set<View> views = parts.history().live();
    if (views.size() > 1 && views.stream().anyMatch(View::hasMovedSinceShared)) {
      LeafSharing sharing = new LeafSharing();
      views.stream()
          .sorted(Comparator.comparing(View::txid).reversed())
          .forEach(view -> share(view, sharing));
    }
  }

  private void relocate(View view, Relocator relocator, IntPredicate isLeaving) {
    try {
      if (has(view, isLeaving)) {
        parts.announcer().relocated(relocator.relocate(view, isLeaving));
      }
    } catch (IOException e) {
      note("relocating pages of", view, e);
    } catch (RuntimeException e) {
      log.error("relocating pages of {} of {}", view, parts.location(), e);
    }
  }

  private void share(View view, LeafSharing sharing) {
    try {
      view.share(sharing);
    } catch (RuntimeException e) {
      log.error("sharing what {} of {} has in common", view, parts.location(), e);
    }
  }

  /** Keeps pages of all views but the latest, in one part of so many of the room there is. */
  private void rescue(IntPredicate isExpiring, int parting, Deadline deadline) {
    for (View view : parts.history().live()) {
      Rescuer rescuer = new Rescuer(means.pages(), means.rescued(), deadline);
      try {
        if (!isLatest(view) && has(view, isExpiring)) {
          rescuer.rescue(view, isExpiring, parting);
        }
      } catch (IOException e) {
        note("keeping pages of", view, e);
      } catch (RuntimeException e) {
        log.error("keeping pages of {} of {}", view, parts.location(), e);
      } finally {
        parts.announcer().rescued(rescuer.kept());
      }
    }
  }

  /** One view's trouble is not the others'. */
  private void note(String doing, View view, IOException trouble) {
    if (parts.closing().getCount() == 0) {
      return;
    }
    if (trouble instanceof ReplicaException) {
      log.debug("{} {} of {}: {}", doing, view, parts.location(), trouble.getMessage());
    } else {
      // A full disk for one, which nobody else tells of.
      log.warn("{} {} of {}: {}", doing, view, parts.location(), trouble.getMessage());
    }
    parts.announcer().failed(trouble);
  }

  private boolean latestHas(IntPredicate isLeaving) {
    return parts.history().latest().filter(view -> has(view, isLeaving)).isPresent();
  }

  private boolean isLatest(View view) {
    return parts.history().latest().filter(latest -> latest == view).isPresent();
  }

  private static boolean has(View view, IntPredicate isLeaving) {
    return Arrays.stream(view.pages().files()).anyMatch(isLeaving);
  }

  /** Forgets files and kept pages that no view has, while nobody makes one: now, or soon. */
  private void forget() {
    parts
        .inFlight()
        .whenNone(
            () -> {
              FileTable files = parts.source().files();
              int next = files.next();
              Set<View> live = parts.history().live();
              List<View> known = new ArrayList<>(openings.forgetIdle(live));
              known.addAll(live);
              means.rescued().retain(known);
              files.retain(numbersIn(known), next);
            });
  }

  private int[] numbersIn(Collection<View> views) {
    Set<Integer> used = new TreeSet<>();
    for (View view : views) {
      for (int number : view.pages().files()) {
        if (number != Rescued.FILE) {
          used.add(number);
        }
      }
    }
    for (int number : openings.listedNumbers()) {
      used.add(number);
    }
    for (int number : before) {
      used.add(number);
    }
    return used.stream().mapToInt(Integer::intValue).toArray();
  }
}
