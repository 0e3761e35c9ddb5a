package dev.sluice.ltx;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;

import dev.sluice.testkit.Golden;
import dev.sluice.testkit.GoldenFile;
import java.io.IOException;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HexFormat;
import java.util.List;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

class GoldenImageTest {

  static Stream<Golden> replicas() {
    return Golden.all().stream();
  }

  @ParameterizedTest
  @MethodSource("replicas")
  void appliedFilesGiveTheImageAtEveryTxid(Golden golden) throws IOException {
    List<LtxFiles.Decoded> files = decode(golden);
    for (var image : golden.images().entrySet()) {
      SortedMap<Long, byte[]> pages = new TreeMap<>();
      long commit = 0;
      for (LtxFiles.Decoded file : plan(files, Txid.parse(image.getKey()))) {
        apply(file, pages);
        commit = file.header().commit();
      }
      assertEquals(
          image.getValue(),
          sha256(pages, commit, golden.pageSize()),
          golden + " at " + image.getKey());
    }
  }

  @Test
  void databaseChecksumsAreThoseOfTheImages() throws IOException {
    SortedMap<Long, byte[]> pages = new TreeMap<>();
    List<LtxFiles.Decoded> files = decode(Golden.named("sum-4096"));
    assertEquals(10, files.size());
    for (LtxFiles.Decoded file : files) {
      if (!file.header().isSnapshot()) {
        assertEquals(file.header().preApplyChecksum(), LtxFiles.databaseChecksum(pages));
      }
      apply(file, pages);
      assertEquals(file.trailer().postApplyChecksum(), LtxFiles.databaseChecksum(pages));
    }
  }

  private static List<LtxFiles.Decoded> decode(Golden golden) throws IOException {
    List<LtxFiles.Decoded> files = new ArrayList<>();
    for (GoldenFile file : golden.files()) {
      files.add(LtxFiles.decode(file.bytes(), file.path()));
    }
    return files;
  }

  /** Always takes the file that follows and reaches furthest without passing the target. */
  private static List<LtxFiles.Decoded> plan(List<LtxFiles.Decoded> files, Txid target) {
    List<LtxFiles.Decoded> plan = new ArrayList<>();
    for (Txid last = Txid.NONE;
        last.isBefore(target);
        last = plan.get(plan.size() - 1).header().range().max()) {
      Txid from = last;
      plan.add(
          files.stream()
              .filter(
                  file ->
                      file.header().range().follows(from)
                          && !file.header().range().max().isAfter(target))
              .max(Comparator.comparing(file -> file.header().range().max()))
              .orElseThrow(() -> new AssertionError("nothing follows " + from)));
    }
    return plan;
  }

  private static void apply(LtxFiles.Decoded file, SortedMap<Long, byte[]> pages) {
    pages.putAll(file.pages());
    pages.tailMap(file.header().commit() + 1).clear();
  }

  private static String sha256(SortedMap<Long, byte[]> pages, long commit, int pageSize) {
    MessageDigest digest;
    try {
      digest = MessageDigest.getInstance("SHA-256");
    } catch (NoSuchAlgorithmException e) {
      throw new AssertionError(e);
    }
    assertFalse(commit >= LockPage.pgno(pageSize), "no golden database reaches the lock page");
    for (long pgno = 1; pgno <= commit; pgno++) {
      byte[] page = pages.get(pgno);
      if (page == null) {
        throw new AssertionError("no file holds page " + pgno);
      }
      digest.update(page);
    }
    return HexFormat.of().formatHex(digest.digest());
  }
}
