package dev.sluice.ltx;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sluice.testkit.Golden;
import dev.sluice.testkit.GoldenFile;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.HexFormat;
import java.util.List;
import java.util.Set;
import java.util.SortedMap;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

class GoldenCompactionTest {

  /** Replicas whose level 0 holds all of their history. */
  static List<Golden> complete() {
    return Golden.all().stream()
        .filter(golden -> levelZero(golden).get(0).minTxid().equals(Txid.FIRST.toString()))
        .collect(Collectors.toList());
  }

  private static List<GoldenFile> levelZero(Golden golden) {
    return golden.files().stream().filter(file -> file.level() == 0).toList();
  }

  /** Files of the reference's own compactor, those of level 9 left out. */
  static Stream<GoldenFile> compacted() {
    return Golden.all().stream()
        .flatMap(golden -> golden.files().stream())
        .filter(file -> file.level() > 0 && file.level() < 9);
  }

  @ParameterizedTest
  @MethodSource("complete")
  void everyPrefixOfLevelZeroIsTheImageAtItsTxid(Golden golden) throws IOException {
    List<byte[]> files = new ArrayList<>();
    for (GoldenFile file : levelZero(golden)) {
      files.add(file.bytes());
      LtxFiles.Decoded all = compact(files);
      assertEquals(golden.images().get(file.maxTxid()), sha256(all), file.path());
    }
  }

  @ParameterizedTest
  @MethodSource("complete")
  void compactionsOfGroupsCompactToTheSame(Golden golden) throws IOException {
    List<byte[]> files = levelZero(golden).stream().map(GoldenFile::bytes).toList();
    LtxFiles.Decoded atOnce = compact(files);
    for (int groupSize : new int[] {2, 3, 7}) {
      List<byte[]> groups = new ArrayList<>();
      for (int i = 0; i < files.size(); i += groupSize) {
        List<byte[]> group = files.subList(i, Math.min(i + groupSize, files.size()));
        groups.add(CompactionFiles.compact(group).bytes());
      }
      LtxFiles.Decoded inSteps = compact(groups);
      assertEquals(atOnce.header(), inSteps.header());
      assertPages(atOnce.pages(), inSteps.pages());
    }
  }

  @ParameterizedTest
  @MethodSource("compacted")
  void referencesCompactionHoldsTheSamePagesAndHeader(GoldenFile file) throws IOException {
    LtxFiles.Decoded reference = LtxFiles.decode(file.bytes(), file.path());
    LtxFiles.Decoded ours = compact(sources(file, reference.header().range()));
    assertEquals(reference.header(), ours.header());
    assertEquals(0, ours.trailer().postApplyChecksum());
    assertPages(reference.pages(), ours.pages());
  }

  /** Returns the level-0 files of the same history that the range covers. */
  private static List<byte[]> sources(GoldenFile file, TxidRange range) {
    String name = file.path().substring(0, file.path().indexOf('/'));
    List<byte[]> sources =
        levelZero(Golden.named(name.equals("levels-incr-4096") ? "incr-4096" : name)).stream()
            .filter(source -> range.contains(Txid.parse(source.minTxid())))
            .map(GoldenFile::bytes)
            .toList();
    assertEquals(range.max().value() - range.min().value() + 1, sources.size());
    return sources;
  }

  @Test
  void overlappingLevelsOfOldAndNewMakeCompactToTheImage() throws IOException {
    List<byte[]> mixed = new ArrayList<>();
    mixed.add(bytes("legacy-4096", 0, 1));
    mixed.add(bytes("sum-4096", 0, 2));
    mixed.add(bytes("levels-incr-4096", 1, 1));
    mixed.add(bytes("levels-incr-4096", 1, 4));
    mixed.add(bytes("levels-incr-4096", 1, 7));
    mixed.add(bytes("sum-4096", 0, 9));
    LtxFiles.Decoded all = compact(mixed);
    assertEquals(Golden.named("incr-4096").images().get("0000000000000009"), sha256(all));
  }

  private static byte[] bytes(String golden, int level, long min) {
    return Golden.named(golden).files().stream()
        .filter(file -> file.level() == level && file.minTxid().equals(new Txid(min).toString()))
        .findFirst()
        .orElseThrow()
        .bytes();
  }

  @Test
  void sumsWalFieldsAndNodeIdAreLeftBehind() throws IOException {
    List<byte[]> files =
        levelZero(Golden.named("sum-4096")).stream().map(GoldenFile::bytes).toList();
    LtxFiles.Decoded last = LtxFiles.decode(files.get(files.size() - 1), "last");
    assertTrue(last.header().hasChecksums() && last.header().nodeId() != 0);
    LtxFiles.Decoded all = compact(files);
    assertEquals(
        LtxHeader.of(
            4096, last.header().commit(), LtxFiles.range(1, 10), last.header().timestampMillis()),
        all.header());
  }

  @ParameterizedTest
  @MethodSource("complete")
  void framesAreTheInputsBytesUnlessLegacy(Golden golden) throws IOException {
    List<byte[]> files = levelZero(golden).stream().map(GoldenFile::bytes).toList();
    byte[] written = CompactionFiles.compact(files).bytes();
    LtxFiles.Decoded all = LtxFiles.decode(written, "compacted");
    boolean isLegacy = golden.name().startsWith("legacy");
    Set<ByteBuffer> inputs = new HashSet<>();
    for (byte[] file : files) {
      PageIndex index = LtxFiles.decode(file, "input").index();
      for (int i = 0; i < index.count(); i++) {
        inputs.add(frame(file, index, i));
      }
    }
    for (int i = 0; i < all.index().count(); i++) {
      ByteBuffer frame = frame(written, all.index(), i);
      assertEquals(PageFrame.FLAG_SIZE, frame.getShort(PageFrame.AT_FLAGS));
      assertEquals(!isLegacy, inputs.contains(frame), "page " + all.index().pgno(i));
    }
  }

  private static ByteBuffer frame(byte[] file, PageIndex index, int i) {
    return ByteBuffer.wrap(file, (int) index.offset(i), index.frameBytes(i)).slice();
  }

  private static LtxFiles.Decoded compact(List<byte[]> files) throws IOException {
    CompactionFiles.Written written = CompactionFiles.compact(files);
    LtxFiles.Decoded decoded = LtxFiles.decode(written.bytes(), "compacted");
    assertEquals(decoded.header(), written.summary().header());
    assertEquals(decoded.trailer(), written.summary().trailer());
    assertEquals(decoded.pages().size(), written.summary().pageCount());
    assertEquals(written.bytes().length, written.summary().bytes());
    assertEquals(
        files.stream().mapToLong(file -> file.length).sum(), written.summary().inputBytes());
    return decoded;
  }

  private static void assertPages(
      SortedMap<Long, byte[]> expected, SortedMap<Long, byte[]> actual) {
    assertEquals(expected.keySet(), actual.keySet());
    expected.forEach((pgno, page) -> assertArrayEquals(page, actual.get(pgno), "page " + pgno));
  }

  private static String sha256(LtxFiles.Decoded snapshot) {
    assertEquals(snapshot.header().commit(), snapshot.pages().size());
    try {
      MessageDigest digest = MessageDigest.getInstance("SHA-256");
      snapshot.pages().values().forEach(digest::update);
      return HexFormat.of().formatHex(digest.digest());
    } catch (NoSuchAlgorithmException e) {
      throw new AssertionError(e);
    }
  }
}
