package dev.sluice.ltx;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;

import dev.sluice.testkit.Golden;
import dev.sluice.testkit.GoldenFile;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** A whole file is proved by the CRCs of pages that were decoded one by one, in any order. */
class FileChecksumPartsTest {

  static Stream<GoldenFile> files() {
    return Stream.of("small-4096", "legacy-4096", "sum-4096", "rand-4096", "wal-512", "wal-65536")
        .flatMap(name -> Golden.named(name).files().stream());
  }

  @ParameterizedTest
  @MethodSource("files")
  void crcsOfSinglePagesCombineToTheFileChecksum(GoldenFile file) throws IOException {
    byte[] bytes = file.bytes();
    PageIndex index = PageIndex.parse(ByteBuffer.wrap(bytes), bytes.length, file.path());
    long[] crcs = pageCrcs(bytes, index, file.path());
    assertEquals(
        ByteBuffer.wrap(bytes).getLong(bytes.length - 8), fileChecksum(bytes, index, crcs));
    if (index.count() > 0) {
      crcs[index.count() / 2] ^= 1;
      assertNotEquals(
          ByteBuffer.wrap(bytes).getLong(bytes.length - 8), fileChecksum(bytes, index, crcs));
    }
  }

  private static long[] pageCrcs(byte[] bytes, PageIndex index, String file) throws IOException {
    List<Integer> order = new ArrayList<>();
    for (int i = 0; i < index.count(); i++) {
      order.add(i);
    }
    Collections.shuffle(order, new Random(7));
    byte[] page = new byte[LtxHeader.parse(ByteBuffer.wrap(bytes), file).pageSize()];
    long[] crcs = new long[index.count()];
    for (int i : order) {
      int offset = (int) index.offset(i);
      FrameDecoder.decode(
          bytes, offset, index.frameBytes(i), index.pgno(i), page.length, page, 0, file, offset);
      crcs[i] = Crc64.of(page);
    }
    return crcs;
  }

  private static long fileChecksum(byte[] bytes, PageIndex index, long[] crcs) {
    int pageSize = ByteBuffer.wrap(bytes).getInt(8);
    long crc = Crc64.of(bytes, 0, LtxHeader.BYTES);
    for (int i = 0; i < index.count(); i++) {
      int offset = (int) index.offset(i);
      int headerBytes =
          bytes[offset + 5] == 1 ? PageFrame.SIZED_HEADER_BYTES : PageFrame.HEADER_BYTES;
      crc = Crc64.combine(crc, Crc64.of(bytes, offset, headerBytes), headerBytes);
      crc = Crc64.combine(crc, crcs[i], pageSize);
    }
    int end = (int) index.indexOffset() - PageFrame.HEADER_BYTES;
    int rest = bytes.length - 8 - end;
    return Checksums.FLAG | Crc64.combine(crc, Crc64.of(bytes, end, rest), rest);
  }
}
