package dev.sluice.cache;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sluice.cache.store.LocalStore;
import dev.sluice.ltx.Txid;
import dev.sluice.storage.history.TestPrimary;
import dev.sluice.testkit.Seed;
import dev.sluice.testkit.Seeded;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.zip.CRC32C;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * A page store after a power cut: each of its files, and each 4 KiB of the large ones, is as it was
 * at some moment of the past. Whatever of it counts, every page that is read is right.
 */
class PowerCutTest {
  private static final int ROUNDS = Integer.getInteger("sluice.soak.rounds", 20);
  private static final int PAGES = 1500;
  private static final int PAGES_MAX = 1600;
  private static final Duration LOOK_AT_ALL = Duration.ofSeconds(31);
  private static final int BLOCK_BYTES = 4096;
  private static final int MOMENTS_MAX = 8;
  private static final int AT_CLEAN = 28;
  private static final int AT_BOOT = 32;
  private static final int AT_CRC = 60;

  @TempDir Path folder;
  private final List<Moment> moments = new ArrayList<>();

  /** The files of a store, of the large ones what pages up to the greatest take. */
  @SuppressWarnings("ArrayRecordComponent") // compared by nobody
  private record Moment(
      Path directory,
      byte[] pages,
      byte[] tags,
      byte[] sums,
      byte[] control,
      byte[] lineage,
      Optional<byte[]> checkpoint) {

    static Moment of(Path directory) throws IOException {
      Path checkpoint = directory.resolve("checkpoint");
      return new Moment(
          directory,
          head(directory.resolve("pages"), PAGES_MAX * FollowedWorld.PAGE_SIZE),
          head(directory.resolve("tags"), PAGES_MAX * Long.BYTES),
          head(directory.resolve("sums"), PAGES_MAX * Long.BYTES),
          Files.readAllBytes(directory.resolve("control")),
          Files.readAllBytes(directory.resolve("lineage")),
          Files.exists(checkpoint)
              ? Optional.of(Files.readAllBytes(checkpoint))
              : Optional.empty());
    }

    private static byte[] head(Path path, int bytes) throws IOException {
      byte[] head = new byte[bytes];
      try (RandomAccessFile file = new RandomAccessFile(path.toFile(), "r")) {
        file.readFully(head, 0, (int) Math.min(bytes, file.length()));
      }
      return head;
    }
  }

  private FollowedWorld world(Random random) {
    FollowedWorld world =
        new FollowedWorld(random.nextLong(), FollowedWorld.options(folder), new SourceRule());
    world.primary().commit(PAGES, TestPrimary.all(PAGES));
    return world;
  }

  private Moment now(FollowedWorld world) throws IOException {
    return Moment.of(
        world.replica().store().flatMap(LocalStore::file).map(Path::getParent).orElseThrow());
  }

  /** Lets the database change and be followed, read, and written to the disk. */
  private void live(FollowedWorld world, Random random) throws IOException {
    for (int step = 0; step < 12; step++) {
      world.primary().commitAnything(random, PAGES_MAX);
      world.pollAfter(Duration.ofSeconds(1));
      View view = world.latest();
      for (int i = 0; i < 150; i++) {
        long pgno = 1L + random.nextInt((int) view.commit());
        world.requirePage(view, pgno, TestReplicas.page(world.replica(), view, pgno));
      }
      if (random.nextInt(4) == 0) {
        keep(world);
      }
      if (random.nextInt(3) == 0) {
        remember(now(world), random);
      }
    }
  }

  /** As every few minutes: what the replica is known by, then the checkpoint. */
  private static void keep(FollowedWorld world) throws IOException {
    world.pollAfter(LOOK_AT_ALL);
    View view = world.latest();
    world.replica().store().orElseThrow().checkpoint(view.txid().value(), view.commit());
  }

  /** Those of one directory are kept, and not always the newest. */
  private void remember(Moment moment, Random random) {
    moments.removeIf(other -> !other.directory().equals(moment.directory()));
    if (moments.size() == MOMENTS_MAX) {
      moments.remove(random.nextInt(MOMENTS_MAX));
    }
    moments.add(moment);
  }

  private Moment any(Random random) {
    return moments.get(random.nextInt(moments.size()));
  }

  private void cutPower(Random random) {
    try {
      Path directory = any(random).directory();
      boolean isOfBlocks = random.nextBoolean();
      mix(directory.resolve("pages"), moments.stream().map(Moment::pages).toList(), random, true);
      mix(
          directory.resolve("tags"),
          moments.stream().map(Moment::tags).toList(),
          random,
          isOfBlocks);
      mix(
          directory.resolve("sums"),
          moments.stream().map(Moment::sums).toList(),
          random,
          isOfBlocks);
      Files.write(directory.resolve("control"), ofAnotherBoot(any(random).control()));
      Files.write(directory.resolve("lineage"), any(random).lineage());
      Files.deleteIfExists(directory.resolve("checkpoint"));
      Optional<byte[]> checkpoint = any(random).checkpoint();
      if (checkpoint.isPresent()) {
        Files.write(directory.resolve("checkpoint"), checkpoint.get());
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static void mix(Path path, List<byte[]> versions, Random random, boolean isOfBlocks)
      throws IOException {
    byte[] mixed = versions.get(random.nextInt(versions.size())).clone();
    for (int at = 0; isOfBlocks && at < mixed.length; at += BLOCK_BYTES) {
      byte[] other = versions.get(random.nextInt(versions.size()));
      System.arraycopy(other, at, mixed, at, Math.min(BLOCK_BYTES, mixed.length - at));
    }
    try (RandomAccessFile file = new RandomAccessFile(path.toFile(), "rw")) {
      file.write(mixed);
    }
  }

  private static byte[] ofAnotherBoot(byte[] control) {
    ByteBuffer.wrap(control).putInt(AT_CLEAN, 0).putLong(AT_BOOT, 42);
    return signed(control);
  }

  private static byte[] signed(byte[] control) {
    CRC32C crc = new CRC32C();
    crc.update(control, 0, AT_CRC);
    ByteBuffer.wrap(control).putInt(AT_CRC, (int) crc.getValue());
    return control;
  }

  /** Opens, requires every page, and returns how many of them came from the store. */
  private static long found(FollowedWorld world) throws IOException {
    View view = world.open();
    long before = world.replica().requests().gets();
    world.requireAllPages(view);
    return view.commit() - (world.replica().requests().gets() - before);
  }

  @Test
  void everyPageIsRightAfterwards(@Seeded("sluice.seed") Seed seed) throws IOException {
    Random random = seed.random();
    try (FollowedWorld world = world(random)) {
      world.open();
      live(world, random);
      keep(world);
      moments.clear();
      remember(now(world), random);
      world.restart(() -> cutPower(random));
      assertTrue(found(world) > 0, "a checkpoint is of use");
      for (int round = 0; round < ROUNDS; round++) {
        live(world, random);
        remember(now(world), random);
        boolean isMissed = random.nextInt(3) == 0;
        world.restart(
            () -> {
              cutPower(random);
              for (int i = isMissed ? random.nextInt(4) : 0; i > 0; i--) {
                world.primary().commitAnything(random, PAGES_MAX);
              }
            });
        found(world);
      }
    }
  }

  @Test
  void aStoreOfWhichNobodyKnewIsAsGoodAsItsSums(@Seeded("sluice.seed") Seed seed)
      throws IOException {
    Random random = seed.random();
    try (FollowedWorld world = world(random)) {
      world.open();
      world.requireAllPages(world.latest());
      for (int round = 0; round < ROUNDS; round++) {
        Path directory =
            world.replica().store().flatMap(LocalStore::file).map(Path::getParent).orElseThrow();
        boolean isOfAnotherBoot = random.nextBoolean();
        long[] flipped = random.longs(1 + random.nextInt(5), 1, PAGES + 1).distinct().toArray();
        world.restart(() -> damage(directory, flipped, isOfAnotherBoot, random));
        assertEquals(PAGES - flipped.length, found(world), () -> Arrays.toString(flipped));
        assertEquals(PAGES, found(world), "they came again");
      }
      assertEquals(Txid.FIRST, world.shown());
    }
  }

  /** Flips a bit of each page of a store that was closed. */
  private static void damage(Path directory, long[] pgnos, boolean isOfAnotherBoot, Random random) {
    try (RandomAccessFile pages = new RandomAccessFile(directory.resolve("pages").toFile(), "rw")) {
      for (long pgno : pgnos) {
        long at = (pgno - 1) * FollowedWorld.PAGE_SIZE + random.nextInt(FollowedWorld.PAGE_SIZE);
        pages.seek(at);
        int before = pages.read();
        pages.seek(at);
        pages.write(before ^ (1 << random.nextInt(8)));
      }
      if (isOfAnotherBoot) {
        byte[] control = Files.readAllBytes(directory.resolve("control"));
        ByteBuffer.wrap(control).putLong(AT_BOOT, 42);
        Files.write(directory.resolve("control"), signed(control));
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
