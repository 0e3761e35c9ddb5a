package dev.sluice.ltx;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sluice.testkit.Golden;
import dev.sluice.testkit.GoldenFile;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Collectors;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

class GoldenDecodeTest {

  static List<GoldenFile> files() {
    return Golden.all().stream()
        .flatMap(golden -> golden.files().stream())
        .collect(Collectors.toList());
  }

  @ParameterizedTest
  @MethodSource("files")
  void fileDecodesWithFullVerification(GoldenFile file) throws IOException {
    LtxHeader header;
    try (LtxDecoder decoder = new LtxDecoder(new ByteArrayInputStream(file.bytes()), file.path())) {
      header = decoder.header();
      while (decoder.next()) {
        assertTrue(decoder.pgno() >= 1);
      }
      decoder.finish();
    }
    assertEquals(file.minTxid(), header.range().min().toString());
    assertEquals(file.maxTxid(), header.range().max().toString());
  }

  @ParameterizedTest
  @MethodSource("files")
  void indexLeadsToEveryFrameOfTheStream(GoldenFile file) throws IOException {
    byte[] bytes = file.bytes();
    PageIndex index = PageIndex.parse(ByteBuffer.wrap(bytes), bytes.length, file.path());
    try (LtxDecoder decoder = new LtxDecoder(new ByteArrayInputStream(bytes), file.path())) {
      int pageSize = decoder.header().pageSize();
      index.requireFits(decoder.header(), file.path());
      byte[] page = new byte[pageSize + 20];
      int i = 0;
      for (; decoder.next(); i++) {
        assertEquals(decoder.pgno(), index.pgno(i));
        assertEquals(i, index.find(decoder.pgno()));
        int offset = (int) index.offset(i);
        FrameDecoder.decode(
            bytes,
            offset,
            index.frameBytes(i),
            decoder.pgno(),
            pageSize,
            page,
            7,
            file.path(),
            offset);
        assertArrayEquals(decoder.page(), Arrays.copyOfRange(page, 7, 7 + pageSize));
      }
      assertEquals(i, index.count());
      decoder.finish();
      assertEquals(index.indexOffset(), decoder.index().indexOffset());
    }
  }
}
