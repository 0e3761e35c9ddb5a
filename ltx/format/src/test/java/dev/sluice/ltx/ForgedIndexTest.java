package dev.sluice.ltx;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.SortedMap;
import java.util.function.Consumer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** A file whose checksum is right, made by a writer whose page index is wrong. */
class ForgedIndexTest {
  private static final LtxHeader HEADER = LtxHeader.of(512, 9, LtxFiles.range(2, 2), 5);
  private static final SortedMap<Long, byte[]> PAGES = LtxFiles.pages(3, 512, 2, 4, 7);

  /** What is done to the numbers of the index: pgno, offset and size of each entry in turn. */
  static List<Consumer<List<Long>>> forgeries() {
    return List.of(
        numbers -> numbers.set(3, 5L),
        numbers -> numbers.set(0, 1L),
        numbers -> numbers.set(6, 1L << 32 | 7),
        numbers -> numbers.set(4, numbers.get(4) + 1),
        numbers -> numbers.set(8, numbers.get(8) + 1),
        numbers -> {
          // The same frames in all, cut at another place.
          numbers.set(2, numbers.get(2) + 1);
          numbers.set(4, numbers.get(4) + 1);
          numbers.set(5, numbers.get(5) - 1);
        },
        numbers -> numbers.subList(6, 9).clear(),
        List::clear,
        numbers -> numbers.addAll(List.of(8L, numbers.get(7) + numbers.get(8), 20L)));
  }

  private static byte[] forged(Consumer<List<Long>> forgery) throws IOException {
    byte[] file = LtxFiles.encode(HEADER, PAGES, 0);
    PageIndex index = LtxFiles.decode(file, "sound").index();
    Crc64 crc = new Crc64();
    crc.update(file, 0, LtxHeader.BYTES);
    List<Long> numbers = new ArrayList<>();
    for (int i = 0; i < index.count(); i++) {
      numbers.addAll(List.of(index.pgno(i), index.offset(i), (long) index.frameBytes(i)));
      crc.update(file, (int) index.offset(i), PageFrame.SIZED_HEADER_BYTES);
      crc.update(ByteBuffer.wrap(PAGES.get(index.pgno(i))));
    }
    forgery.accept(numbers);
    byte[] tail = tail(numbers);
    crc.update(tail, 0, tail.length - Long.BYTES);
    ByteBuffer.wrap(tail).putLong(tail.length - Long.BYTES, Checksums.FLAG | crc.value());
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    out.write(file, 0, (int) index.indexOffset() - PageFrame.HEADER_BYTES);
    out.writeBytes(tail);
    return out.toByteArray();
  }

  /** Returns end mark, index, length and a trailer of zeros. */
  private static byte[] tail(List<Long> numbers) {
    byte[] bytes = new byte[500];
    int at = PageFrame.HEADER_BYTES;
    for (long number : numbers) {
      at = Varints.write(number, bytes, at);
    }
    at = Varints.write(0, bytes, at);
    ByteBuffer tail = ByteBuffer.wrap(bytes).putLong(at, at - PageFrame.HEADER_BYTES);
    byte[] cut = new byte[at + Long.BYTES + LtxTrailer.BYTES];
    tail.get(cut);
    return cut;
  }

  @Test
  void unchangedIndexGivesTheSameFile() throws IOException {
    assertArrayEquals(LtxFiles.encode(HEADER, PAGES, 0), forged(numbers -> {}));
  }

  @ParameterizedTest
  @MethodSource("forgeries")
  void isRefused(Consumer<List<Long>> forgery) throws IOException {
    byte[] file = forged(forgery);
    LtxFormatException e =
        assertThrows(LtxFormatException.class, () -> LtxFiles.decode(file, "forged"));
    assertTrue(e.rule().contains("page index"), e.getMessage());
    assertThrows(LtxFormatException.class, () -> CompactionFiles.compact(List.of(file)));
  }
}
