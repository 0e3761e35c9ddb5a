package dev.sluice.cache;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.sluice.ltx.Txid;
import dev.sluice.ltx.TxidRange;
import dev.sluice.storage.LtxFile;
import dev.sluice.storage.LtxFileName;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.function.Consumer;
import java.util.zip.CRC32C;
import org.junit.jupiter.api.Test;

/** The file that tells replicas apart, byte by byte as it is drawn, and damaged. */
class LineageFileTest {
  private static final List<Lineage.Known> FILES =
      List.of(
          known(9, 1, 0x0102030405060708L, "etag", Optional.of(fingerprint())),
          known(0, 5, 5, "é", Optional.empty()));

  private static Fingerprints.Fingerprint fingerprint() {
    return new Fingerprints.Fingerprint(0x1112131415161718L, 0x8182838485868788L);
  }

  private static Lineage.Known known(
      int level,
      long min,
      long max,
      String version,
      Optional<Fingerprints.Fingerprint> fingerprint) {
    LtxFileName name = new LtxFileName(level, new TxidRange(new Txid(min), new Txid(max)));
    Instant created = Instant.ofEpochSecond(0x6162636465L, 999_999_999);
    return new Lineage.Known(new LtxFile(name, 0x2122232425262728L, created, version), fingerprint);
  }

  private static byte[] drawn(Consumer<ByteBuffer> fields, int length) {
    byte[] drawn = new byte[length + 4];
    ByteBuffer bytes = ByteBuffer.wrap(drawn); // big endian
    fields.accept(bytes);
    assertEquals(length, bytes.position());
    CRC32C crc = new CRC32C();
    crc.update(drawn, 0, length);
    bytes.putInt((int) crc.getValue());
    return drawn;
  }

  private static void draw(ByteBuffer to, int level, long min, long max, String version) {
    byte[] text = version.getBytes(StandardCharsets.UTF_8);
    to.put((byte) level).putLong(min).putLong(max).putLong(0x2122232425262728L);
    to.putLong(0x6162636465L).putInt(999_999_999).putShort((short) text.length).put(text);
  }

  private static byte[] whole() {
    return drawn(
        to -> {
          to.putInt(2);
          draw(to, 9, 1, 0x0102030405060708L, "etag");
          to.put((byte) 1).putLong(0x1112131415161718L).putLong(0x8182838485868788L);
          draw(to, 0, 5, 5, "é");
          to.put((byte) 0);
        },
        4 + 37 + 6 + 17 + 37 + 4 + 1);
  }

  private static List<Lineage.Known> read(byte[] bytes) throws IOException {
    return LineageFile.parse(bytes);
  }

  @Test
  void itIsAsItIsDrawn() throws IOException {
    assertEquals(List.of(), read(new byte[0]), "there is none");
    assertEquals(FILES, read(whole()));
    assertEquals(List.of(), read(LineageFile.bytes(List.of())));
    assertArrayEquals(whole(), LineageFile.bytes(FILES));
  }

  @Test
  void aDamagedOneSaysNothing() throws IOException {
    byte[] whole = whole();
    for (int bit = 0; bit < whole.length * 8; bit++) {
      byte[] flipped = whole.clone();
      flipped[bit / 8] ^= (byte) (1 << bit % 8);
      assertEquals(List.of(), read(flipped), "bit " + bit);
    }
    for (int length = 0; length < whole.length; length++) {
      assertEquals(List.of(), read(Arrays.copyOf(whole, length)), length + " bytes");
    }
  }

  @Test
  void oneThatIsDrawnOtherwiseSaysNothing() throws IOException {
    assertEquals(List.of(), read(drawn(to -> to.putInt(3), 4)), "fewer files");
    Consumer<ByteBuffer> backwards =
        to -> {
          to.putInt(1);
          draw(to, 0, 6, 5, "v");
          to.put((byte) 0);
        };
    assertEquals(List.of(), read(drawn(backwards, 4 + 37 + 3 + 1)), "min above max");
    Consumer<ByteBuffer> unnamed =
        to -> {
          to.putInt(1);
          draw(to, 0, 5, 5, "");
          to.put((byte) 0);
        };
    assertEquals(List.of(), read(drawn(unnamed, 4 + 37 + 2 + 1)), "no version");
    Consumer<ByteBuffer> late =
        to ->
            to.putInt(1)
                .put((byte) 0)
                .putLong(5)
                .putLong(5)
                .putLong(1)
                .putLong(Long.MAX_VALUE)
                .putInt(-1)
                .putShort((short) 1)
                .put((byte) 'v')
                .put((byte) 0);
    assertEquals(List.of(), read(drawn(late, 4 + 37 + 3 + 1)), "no such time");
    Consumer<ByteBuffer> notText =
        to -> {
          to.putInt(1);
          to.put((byte) 0).putLong(5).putLong(5).putLong(1).putLong(1).putInt(1);
          to.putShort((short) 1).put((byte) 0xff).put((byte) 0);
        };
    assertEquals(List.of(), read(drawn(notText, 4 + 37 + 3 + 1)), "not UTF");
  }
}
