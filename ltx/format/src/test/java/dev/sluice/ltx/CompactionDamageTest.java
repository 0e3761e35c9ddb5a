package dev.sluice.ltx;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sluice.testkit.Golden;
import dev.sluice.testkit.GoldenFile;
import dev.sluice.testkit.Seed;
import dev.sluice.testkit.Seeded;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Whatever is wrong with an input, a compaction says so or writes what it would have written. */
class CompactionDamageTest {

  static Stream<List<byte[]>> chains() throws IOException {
    RandomHistory history = new RandomHistory(new Random(12));
    for (int i = 0; i < 5; i++) {
      history.step();
    }
    return Stream.of(history.files(), golden("wal-512"), golden("legacy-4096"), golden("sum-4096"));
  }

  /** Returns the files of level 0 behind the first, which are small. */
  private static List<byte[]> golden(String name) {
    return Golden.named(name).files().stream()
        .filter(file -> file.level() == 0)
        .skip(1)
        .limit(3)
        .map(GoldenFile::bytes)
        .toList();
  }

  @ParameterizedTest
  @MethodSource("chains")
  void flippedBitIsFoundOrHarmless(List<byte[]> files, @Seeded("seed") Seed seed)
      throws IOException {
    byte[] sound = CompactionFiles.compact(files).bytes();
    Random random = seed.random();
    int found = 0;
    int rounds = 4_000;
    for (int round = 0; round < rounds; round++) {
      int victim = random.nextInt(files.size());
      byte[] damaged = files.get(victim).clone();
      // The first and last bytes are headers, indexes and trailers, where most rules are.
      int reach = random.nextBoolean() ? damaged.length : Math.min(damaged.length, 200);
      int at = random.nextInt(reach);
      at = random.nextBoolean() ? at : damaged.length - 1 - at;
      damaged[at] ^= (byte) (1 << random.nextInt(8));
      String what = "round " + round + " input " + victim + " byte " + at;
      found += isFound(with(files, victim, damaged), sound, victim, at, what) ? 1 : 0;
    }
    assertTrue(found > rounds / 2, found + " of " + rounds + " found");
  }

  private static List<byte[]> with(List<byte[]> files, int victim, byte[] damaged) {
    List<byte[]> with = new ArrayList<>(files);
    with.set(victim, damaged);
    return with;
  }

  private static boolean isFound(List<byte[]> files, byte[] sound, int victim, int at, String what)
      throws IOException {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    try (LtxCompactor compactor = new LtxCompactor(CompactionFiles.inputs(files))) {
      compactor.writeTo(out);
    } catch (LtxFormatException e) {
      assertEquals("input-" + victim, e.file(), what);
      assertTrue(e.offset() >= 0 && e.offset() <= files.get(victim).length, e.getMessage());
      assertIsNoFile(out.toByteArray(), what);
      return true;
    } catch (CompactionException e) {
      assertNotEquals(CompactionException.Reason.MISSING_PAGE, e.reason(), what);
      assertTrue(at < LtxHeader.BYTES, what);
      return true;
    }
    assertSame(LtxFiles.decode(sound, "sound"), LtxFiles.decode(out.toByteArray(), what), what);
    return false;
  }

  private static void assertIsNoFile(byte[] written, String what) {
    assertThrows(LtxFormatException.class, () -> LtxFiles.decode(written, "half"), what);
  }

  private static void assertSame(LtxFiles.Decoded sound, LtxFiles.Decoded written, String what) {
    assertEquals(sound.header(), written.header(), what);
    assertEquals(sound.pages().keySet(), written.pages().keySet(), what);
    sound.pages().forEach((pgno, page) -> assertArrayEquals(page, written.pages().get(pgno), what));
  }

  @ParameterizedTest
  @MethodSource("chains")
  void truncationIsFoundWhereTheBytesEnd(List<byte[]> files) throws IOException {
    Random random = new Random(30);
    for (int victim = 0; victim < files.size(); victim++) {
      byte[] file = files.get(victim);
      for (int round = 0; round < 300; round++) {
        byte[] cut = Arrays.copyOf(file, random.nextInt(file.length));
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        List<CompactionInput> inputs = CompactionFiles.inputs(with(files, victim, cut));
        LtxFormatException e =
            assertThrows(
                LtxFormatException.class,
                () -> {
                  try (LtxCompactor compactor = new LtxCompactor(inputs)) {
                    compactor.writeTo(out);
                  }
                });
        assertEquals("input-" + victim, e.file());
        assertEquals(cut.length, e.offset(), e.getMessage());
        assertIsNoFile(out.toByteArray(), "cut at " + cut.length);
      }
    }
  }

  @ParameterizedTest
  @MethodSource("chains")
  void inputThatGoesOnBehindItsTrailerIsRefused(List<byte[]> files) {
    byte[] longer = Arrays.copyOf(files.get(0), files.get(0).length + 1);
    LtxFormatException e =
        assertThrows(
            LtxFormatException.class, () -> CompactionFiles.compact(with(files, 0, longer)));
    assertEquals(files.get(0).length, e.offset());
  }
}
