package dev.sluice.cache.store;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sluice.testkit.Seed;
import dev.sluice.testkit.Seeded;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.UUID;
import java.util.zip.CRC32C;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The files of a page store, byte by byte as they are drawn, and damaged ones. */
class StoreFilesTest {
  private static final int PAGE_SIZE = 512;
  private static final UUID BOOT = UUID.fromString("01234567-89ab-cdef-fedc-ba9876543210");
  private static final int CHUNK_PAGES = 16_384;

  @TempDir Path dir;

  private static byte[] page(long pgno) {
    byte[] page = new byte[PAGE_SIZE];
    new Random(pgno).nextBytes(page);
    return page;
  }

  /** CRC-64/ISO a bit at a time, as the polynomial says it. */
  private static long crc64(byte[] bytes) {
    long crc = -1;
    for (byte one : bytes) {
      crc ^= one & 0xff;
      for (int bit = 0; bit < 8; bit++) {
        crc = (crc & 1) == 0 ? crc >>> 1 : (crc >>> 1) ^ 0xd800000000000000L;
      }
    }
    return ~crc;
  }

  private static byte[] withCrc32c(byte[] bytes, int at) {
    CRC32C crc = new CRC32C();
    crc.update(bytes, 0, at);
    ByteBuffer.wrap(bytes).putInt(at, (int) crc.getValue());
    return bytes;
  }

  private static byte[] control(
      int version, int pageSize, long txid, int commit, int clean, UUID boot) {
    byte[] drawn = new byte[64];
    ByteBuffer bytes = ByteBuffer.wrap(drawn); // big endian
    bytes.put(0, "SLUICES1".getBytes(StandardCharsets.US_ASCII));
    bytes.putInt(8, version).putInt(12, pageSize).putLong(16, txid).putInt(24, commit);
    bytes.putInt(28, clean);
    bytes.putLong(32, boot.getMostSignificantBits()).putLong(40, boot.getLeastSignificantBits());
    return withCrc32c(drawn, 60);
  }

  private static byte[] checkpoint(long txid, int commit, int pageSize, long... sums) {
    byte[] drawn = new byte[28 + 8 * sums.length + 4];
    ByteBuffer bytes = ByteBuffer.wrap(drawn);
    bytes.put(0, "SLUICEK1".getBytes(StandardCharsets.US_ASCII));
    bytes.putLong(8, txid).putInt(16, commit).putInt(20, pageSize).putInt(24, sums.length);
    for (int i = 0; i < sums.length; i++) {
      bytes.putLong(28 + 8 * i, sums[i]);
    }
    return withCrc32c(drawn, 28 + 8 * sums.length);
  }

  private Optional<StoreControl.State> readControl(byte[] bytes) throws IOException {
    Path path = Files.write(dir.resolve("control"), bytes);
    try (StoreControl control = new StoreControl(path)) {
      return control.read();
    }
  }

  @Test
  void controlIsAsItIsDrawn() throws IOException {
    StoreControl.State state =
        new StoreControl.State(4096, 0x0102030405060708L, 0xfffffffeL, true, Optional.of(BOOT));
    byte[] drawn = control(1, 4096, 0x0102030405060708L, -2, 1, BOOT);
    assertEquals(Optional.of(state), readControl(drawn));
    Path path = dir.resolve("other");
    try (StoreControl control = new StoreControl(path)) {
      assertEquals(Optional.empty(), control.read(), "an empty file says nothing");
      control.write(state);
      assertArrayEquals(drawn, Files.readAllBytes(path));
      control.write(new StoreControl.State(512, 7, 9, false, Optional.empty()));
      assertArrayEquals(control(1, 512, 7, 9, 0, new UUID(0, 0)), Files.readAllBytes(path));
      assertEquals(Optional.empty(), control.read().orElseThrow().boot());
      control.markClean();
      assertArrayEquals(control(1, 512, 7, 9, 1, new UUID(0, 0)), Files.readAllBytes(path));
    }
  }

  @Test
  void aDamagedControlSaysNothing() throws IOException {
    byte[] whole = control(1, 512, 7, 9, 1, BOOT);
    assertTrue(readControl(whole).isPresent());
    for (int bit = 0; bit < whole.length * 8; bit++) {
      byte[] flipped = whole.clone();
      flipped[bit / 8] ^= (byte) (1 << bit % 8);
      assertEquals(Optional.empty(), readControl(flipped), "bit " + bit);
    }
    for (int length = 0; length < whole.length; length++) {
      assertEquals(Optional.empty(), readControl(Arrays.copyOf(whole, length)), length + " bytes");
    }
    assertEquals(Optional.empty(), readControl(control(2, 512, 7, 9, 1, BOOT)), "a later layout");
    assertEquals(Optional.empty(), readControl(new byte[64]), "zeros");
  }

  @Test
  void checkpointIsAsItIsDrawn() throws IOException {
    long[] sums = {0x1112131415161718L, 0, -8, 0};
    byte[] drawn = checkpoint(0x0102030405060708L, 4, 65_536, sums);
    Checkpoint.Header header = new Checkpoint.Header(0x0102030405060708L, 4, 65_536);
    Path path = dir.resolve("checkpoint");
    Checkpoint.write(path, header, sums.length, pgno -> sums[(int) pgno - 1]);
    assertArrayEquals(drawn, Files.readAllBytes(path));
    assertFalse(Files.exists(dir.resolve("checkpoint.tmp")));
    Map<Long, Long> visited = new HashMap<>();
    assertEquals(Optional.of(header), Checkpoint.read(path, visited::put));
    assertEquals(Map.of(1L, sums[0], 3L, sums[2]), visited);
    assertEquals(Optional.empty(), Checkpoint.read(dir.resolve("none")));
  }

  @Test
  void aDamagedCheckpointSaysNothing() throws IOException {
    byte[] whole = checkpoint(7, 3, 512, 8, 16, 24);
    Path path = Files.write(dir.resolve("checkpoint"), whole);
    assertTrue(Checkpoint.read(path).isPresent());
    for (int bit = 0; bit < whole.length * 8; bit++) {
      byte[] flipped = whole.clone();
      flipped[bit / 8] ^= (byte) (1 << bit % 8);
      Files.write(path, flipped);
      assertEquals(Optional.empty(), Checkpoint.read(path), "bit " + bit);
    }
    for (int length = 0; length < whole.length; length++) {
      Files.write(path, Arrays.copyOf(whole, length));
      assertEquals(Optional.empty(), Checkpoint.read(path), length + " bytes");
    }
  }

  private PageStore.Spec spec() {
    return new PageStore.Spec("test", PAGE_SIZE, StoreReaders.NONE, Long.MAX_VALUE);
  }

  private StoreFolder own() throws IOException {
    return StoreFolder.own(dir, Optional.empty(), Duration.ZERO).orElseThrow();
  }

  private static ByteBuffer words(byte[] bytes) {
    return ByteBuffer.wrap(bytes).order(ByteOrder.nativeOrder());
  }

  @Test
  void pagesTagsAndSumsAreWrittenAsTheyAreDrawn() throws IOException {
    LocalStore store = own().create(spec(), 9, 100);
    assertTrue(store.pages().fill(3, page(3), 0, Proof.NONE, pgno -> 7));
    assertTrue(store.pages().fill(5, page(5), 0, Proof.PROVEN, pgno -> 9));
    assertTrue(store.pages().fill(6, page(6), 0, Proof.PENDING, pgno -> 8));
    store.pages().clear(6);
    store.close();
    Path files = dir.resolve("store-1");
    byte[] pages = Files.readAllBytes(files.resolve("pages"));
    assertEquals(CHUNK_PAGES * PAGE_SIZE, pages.length);
    assertArrayEquals(page(3), Arrays.copyOfRange(pages, 2 * PAGE_SIZE, 3 * PAGE_SIZE));
    assertArrayEquals(page(5), Arrays.copyOfRange(pages, 4 * PAGE_SIZE, 5 * PAGE_SIZE));
    ByteBuffer tags = words(Files.readAllBytes(files.resolve("tags")));
    ByteBuffer sums = words(Files.readAllBytes(files.resolve("sums")));
    assertEquals(CHUNK_PAGES * 8, tags.capacity());
    assertEquals(CHUNK_PAGES * 8, sums.capacity());
    assertEquals(7L << 16 | 2, tags.getLong(2 * 8), "absent once, then here");
    assertEquals(9L << 16 | 2, tags.getLong(4 * 8));
    assertEquals(3, tags.getLong(5 * 8), "absent, here, absent");
    assertEquals(0, tags.getLong(0));
    assertEquals(crc64(page(3)) & -8, sums.getLong(2 * 8));
    assertEquals((crc64(page(5)) & -8) | 2, sums.getLong(4 * 8));
    assertEquals(1, sums.getLong(5 * 8), "it takes a place");
    assertEquals(0, sums.getLong(0));
  }

  /** Writes the files of pages 1 to 64, all of them here by bound 7, as they are drawn. */
  private Path draw(byte[] control) throws IOException {
    Path files = Files.createDirectories(dir.resolve("store-1"));
    byte[] pages = new byte[CHUNK_PAGES * PAGE_SIZE];
    byte[] tags = new byte[CHUNK_PAGES * 8];
    byte[] sums = new byte[CHUNK_PAGES * 8];
    for (int pgno = 1; pgno <= 64; pgno++) {
      System.arraycopy(page(pgno), 0, pages, (pgno - 1) * PAGE_SIZE, PAGE_SIZE);
      words(tags).putLong((pgno - 1) * 8, 7L << 16 | pgno);
      long proof = pgno % 2 == 0 ? 2 : 0;
      words(sums).putLong((pgno - 1) * 8, (crc64(page(pgno)) & -8) | proof);
    }
    Files.write(files.resolve("pages"), pages);
    Files.write(files.resolve("tags"), tags);
    Files.write(files.resolve("sums"), sums);
    Files.write(files.resolve("control"), control);
    return files;
  }

  /** Opens what lies there for a view of TXID 9 in which no page has changed. */
  private Optional<LocalStore> adopt() throws IOException {
    StoreFolder folder = own();
    Optional<StoreFolder.Left> left = folder.left(PAGE_SIZE);
    if (left.isEmpty()) {
      folder.close();
      return Optional.empty();
    }
    return Optional.of(folder.adopt(left.get(), spec(), 9, 100, (pgno, bound) -> true));
  }

  /** Reads pages 1 to 64 as misses do, and returns how many were there. */
  private static int readAll(PageStore store) {
    int found = 0;
    byte[] dst = new byte[PAGE_SIZE];
    for (int pgno = 1; pgno <= 64; pgno++) {
      assertFalse(store.contains(pgno), "no page is believed after a restart");
      if (store.recover(pgno, each -> 7) && store.read(pgno, 9, dst)) {
        assertArrayEquals(page(pgno), dst, "page " + pgno);
        found++;
      }
    }
    return found;
  }

  @Test
  void drawnFilesAreRead() throws IOException {
    draw(control(1, PAGE_SIZE, 8, 100, 1, BOOT));
    LocalStore store = adopt().orElseThrow();
    assertEquals(64, readAll(store.pages()));
    assertEquals(Proof.PROVEN, store.pages().proof(2));
    assertEquals(Proof.NONE, store.pages().proof(3));
    assertEquals(7, store.pages().bound(2));
    assertEquals(0, store.pages().damagedPages());
    store.close();
    assertArrayEquals(
        control(1, PAGE_SIZE, 9, 100, 1, BootId.now().orElse(new UUID(0, 0))),
        Files.readAllBytes(dir.resolve("store-1/control")));
  }

  @Test
  void filesOfAnotherBootAreReadByTheCheckpoint() throws IOException {
    Path files = draw(control(1, PAGE_SIZE, 8, 100, 0, BOOT));
    assertTrue(adopt().isEmpty(), "no checkpoint says what reached the disk");
    long[] sums = new long[100];
    for (int pgno = 1; pgno <= 64; pgno += 2) {
      sums[pgno - 1] = crc64(page(pgno)) & -8;
    }
    Files.write(files.resolve("checkpoint"), checkpoint(6, 100, PAGE_SIZE, sums));
    LocalStore store = adopt().orElseThrow();
    assertEquals(32, readAll(store.pages()));
    store.close();
    Files.write(files.resolve("control"), control(1, PAGE_SIZE, 8, 100, 0, BOOT));
    Files.write(files.resolve("checkpoint"), checkpoint(6, 100, 1024, sums));
    assertTrue(adopt().isEmpty(), "of another page size");
  }

  @Test
  void damagedFilesGiveNoWrongPage(@Seeded("sluice.seed") Seed seed) throws IOException {
    Random random = seed.random();
    int found = 0;
    for (int round = 0; round < 60; round++) {
      Path files = draw(control(1, PAGE_SIZE, 8, 100, 1, BOOT));
      String name = List.of("pages", "tags", "sums").get(round % 3);
      Files.write(files.resolve(name), damaged(Files.readAllBytes(files.resolve(name)), random));
      LocalStore store = adopt().orElseThrow();
      found += readAll(store.pages());
      for (int pgno = 1; pgno <= 64; pgno++) {
        store.pages().fill(pgno, page(pgno), 0, Proof.NONE, each -> 7);
        assertTrue(store.pages().read(pgno, 9, new byte[PAGE_SIZE]), "it comes again");
      }
      store.close();
      LocalStore again = adopt().orElseThrow();
      assertEquals(64, readAll(again.pages()));
      again.close();
    }
    assertTrue(found > 0, "a part of a file is enough");
  }

  private static byte[] damaged(byte[] bytes, Random random) {
    byte[] damaged = bytes.clone();
    int used = Math.min(bytes.length, 64 * (bytes.length / CHUNK_PAGES));
    switch (random.nextInt(3)) {
      case 0 -> {
        for (int i = 1 + random.nextInt(40); i > 0; i--) {
          damaged[random.nextInt(used)] ^= (byte) (1 << random.nextInt(8));
        }
      }
      case 1 -> damaged = Arrays.copyOf(damaged, random.nextInt(used));
      default -> {
        byte[] noise = new byte[random.nextInt(used)];
        random.nextBytes(noise);
        System.arraycopy(noise, 0, damaged, random.nextInt(used - noise.length), noise.length);
      }
    }
    return damaged;
  }
}
