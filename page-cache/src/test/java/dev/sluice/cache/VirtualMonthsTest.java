package dev.sluice.cache;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sluice.ltx.Txid;
import dev.sluice.storage.LtxFile;
import dev.sluice.storage.Target;
import dev.sluice.storage.history.LitestreamSchedule;
import dev.sluice.storage.history.TestPrimary;
import dev.sluice.testkit.Seed;
import dev.sluice.testkit.Seeded;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Connections that stay open while weeks pass under Litestream's default compaction and retention:
 * at the end each page that was never read before is the page of the connection's own TXID.
 */
class VirtualMonthsTest {
  private static final int DAYS = Integer.getInteger("sluice.model.days", 30);
  private static final int PAGES_MAX = 260;
  private static final Duration LOOK = Duration.ofSeconds(45);
  private static final int PINS_AT_ONCE = 40;

  @TempDir Path folder;

  /** A view, what keeps it, and since when. */
  private record Pin(View view, Hold hold, Instant since) {}

  @Test
  void coldPagesOfConnectionsThatWereOpenForAMonthAreExact(@Seeded("sluice.model.seed") Seed seed)
      throws IOException {
    Random random = seed.random();
    List<Pin> pins = new ArrayList<>();
    try (FollowedWorld world =
        new FollowedWorld(seed.value(), FollowedWorld.options(folder), new SourceRule())) {
      LitestreamSchedule schedule = new LitestreamSchedule(world.primary());
      world.primary().commit(PAGES_MAX / 2, TestPrimary.all(PAGES_MAX / 2));
      world.open();
      Instant end = world.primary().now().plus(Duration.ofDays(DAYS));
      Instant nextPin = world.primary().now();
      Instant busyUntil = world.primary().now();
      Duration longest = Duration.ZERO;
      while (world.primary().now().isBefore(end)) {
        Instant now = world.primary().now();
        if (random.nextInt(2_000) == 0) {
          busyUntil = now.plus(Duration.ofMinutes(20));
        }
        int commits = now.isBefore(busyUntil) ? 1 + random.nextInt(4) : random.nextInt(12) / 11;
        for (int i = 0; i < commits; i++) {
          world.primary().commitAnything(random, PAGES_MAX);
        }
        schedule.run();
        // A look comes between the opening of a view and the deletion of its files.
        boolean isPinned = !now.isBefore(nextPin);
        if (isPinned) {
          nextPin = now.plus(Duration.ofMinutes(10 + random.nextInt(48 * 60)));
          pins.add(pin(world, random));
        }
        world.pollAfter(LOOK);
        assertEquals(world.history().txid(), world.shown(), "news is seen at the next look");
        if (isPinned) {
          if (pins.size() > PINS_AT_ONCE) {
            longest =
                longer(longest, readAndClose(world, pins, 1 + random.nextInt(pins.size() - 1)));
          }
        }
      }
      world.requireAllPages(world.latest());
      while (!pins.isEmpty()) {
        longest = longer(longest, readAndClose(world, pins, 0));
      }
      System.out.println(
          "VirtualMonthsTest "
              + DAYS
              + " days: TXIDs="
              + world.history().txid().value()
              + " files="
              + world.storage().files().size()
              + " longest="
              + longest
              + " relocated="
              + world.counts().relocatedPages()
              + " rescued="
              + world.counts().rescuedPages()
              + " rescuedBytes="
              + world.replica().rescuedBytes());
      assertTrue(longest.toHours() >= DAYS * 24L - 1, longest::toString);
    }
  }

  /** The latest view, or one of the past. */
  private static Pin pin(FollowedWorld world, Random random) throws IOException {
    View view = world.open();
    if (random.nextInt(3) == 0) {
      List<LtxFile> listed = world.storage().listed();
      Txid txid = listed.get(random.nextInt(listed.size())).name().range().max();
      try {
        view = world.replica().at(new Target.AtTxid(txid));
      } catch (dev.sluice.storage.PlanException.NotReachable e) {
        // Retention has left a compacted file that no snapshot leads to: the latest view then.
      }
    }
    return new Pin(view, world.replica().hold(view), world.primary().now());
  }

  private static Duration readAndClose(FollowedWorld world, List<Pin> pins, int index)
      throws IOException {
    Pin pin = pins.remove(index);
    Duration open = Duration.between(pin.since(), world.primary().now());
    try {
      world.requireAllPages(pin.view());
    } catch (IOException | AssertionError e) {
      throw new AssertionError(pin.view() + ", open for " + open + ": " + e.getMessage(), e);
    }
    pin.hold().close();
    return open;
  }

  private static Duration longer(Duration one, Duration other) {
    return one.compareTo(other) > 0 ? one : other;
  }

  /** Every poll interval, as files come: five thousand states in an hour. */
  @Test
  void aTransactionOfAnHourIsExactWhileFiveThousandTxidsPass(@Seeded("sluice.model.seed") Seed seed)
      throws IOException {
    Random random = seed.random();
    try (FollowedWorld world =
        new FollowedWorld(seed.value(), FollowedWorld.options(folder), new SourceRule())) {
      LitestreamSchedule schedule = new LitestreamSchedule(world.primary());
      world.primary().commit(PAGES_MAX / 2, TestPrimary.all(PAGES_MAX / 2));
      for (int i = 0; i < 40; i++) {
        world.primary().commitAnything(random, PAGES_MAX);
      }
      View pinned = world.open();
      Txid first = pinned.txid();
      Hold hold = world.replica().hold(pinned);
      for (int i = 0; i < 5_000; i++) {
        world.primary().commitAnything(random, PAGES_MAX);
        schedule.run();
        world.pollAfter(Duration.ofMillis(720));
        assertEquals(world.history().txid(), world.shown());
      }
      assertEquals(first.value() + 5_000, world.shown().value());
      assertEquals(first, pinned.txid());
      world.requireAllPages(pinned);
      world.requireAllPages(world.latest());
      assertTrue(world.counts().relocatedPages() + world.counts().rescuedPages() > 0);
      hold.close();
    }
  }

  /**
   * The next look comes to the end, as long as one file is there that was known. Where the daily
   * snapshot has replaced them all meanwhile nothing shows that it is the same replica: then
   * readers stay where they are, and are told why.
   */
  @Test
  void afterHoursWithoutALookTheNextOneComesToTheEnd(@Seeded("sluice.model.seed") Seed seed)
      throws IOException {
    Random random = seed.random();
    try (FollowedWorld world =
        new FollowedWorld(seed.value(), FollowedWorld.options(folder), new SourceRule())) {
      LitestreamSchedule schedule = new LitestreamSchedule(world.primary());
      world.primary().commit(PAGES_MAX / 4, TestPrimary.all(PAGES_MAX / 4));
      world.open();
      int wentOn = 0;
      int unknown = 0;
      for (int sleep = 0; sleep < 20; sleep++) {
        passAnHourAwake(world, schedule, random);
        View pinned = world.latest();
        Hold hold = world.replica().hold(pinned);
        List<LtxFile> known = world.known();
        Instant awake = world.primary().now().plusSeconds(60 + random.nextInt(20 * 3600));
        while (world.primary().now().isBefore(awake)) {
          world.primary().commitAnything(random, PAGES_MAX);
          world.primary().advance(Duration.ofSeconds(1 + random.nextInt(600)));
          schedule.run(); // all that is due has happened when the look comes
        }
        world.poll();
        if (Collections.disjoint(known, world.storage().listed())) {
          unknown++;
          assertEquals(pinned.txid(), world.shown());
          assertTrue(world.replica().lastError().orElse("none").contains("history gone"));
          world.restart();
          world.open();
        } else {
          wentOn++;
          assertEquals(world.history().txid(), world.shown(), () -> "at " + awake);
          requireExactOrGone(world, pinned);
        }
        world.requireAllPages(world.latest());
        hold.close();
      }
      System.out.println("VirtualMonthsTest of sleep: on=" + wentOn + " unknown=" + unknown);
      assertTrue(wentOn > 3);
    }
  }

  private static void passAnHourAwake(
      FollowedWorld world, LitestreamSchedule schedule, Random random) throws IOException {
    for (int i = 0; i < 80; i++) {
      world.primary().commitAnything(random, PAGES_MAX);
      schedule.run();
      world.pollAfter(LOOK);
    }
  }

  private static void requireExactOrGone(FollowedWorld world, View view) throws IOException {
    try {
      world.requireAllPages(view);
    } catch (ViewException.HistoryGone e) {
      assertTrue(String.valueOf(e.getMessage()).contains("history gone"), e::toString);
    }
  }
}
