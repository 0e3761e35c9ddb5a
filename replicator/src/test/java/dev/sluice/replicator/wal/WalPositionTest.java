package dev.sluice.replicator.wal;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.HexFormat;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

final class WalPositionTest {
  private static final WalPosition POSITION =
      new WalPosition(
          new WalSalts(0x1F8CC3F5, 0x85F9A600), WalPosition.FRAME_MAX, 0x9123456789ABCDEFL);

  @Test
  void textFormIsReadBack() {
    assertEquals("1f8cc3f5-85f9a600/4294967295/9123456789abcdef", POSITION.toString());
    assertEquals(POSITION, WalPosition.parse(POSITION.toString()));
    WalPosition small = new WalPosition(new WalSalts(0, 1), 0, 2);
    assertEquals("00000000-00000001/0/0000000000000002", small.toString());
    assertEquals(small, WalPosition.parse(small.toString()));
  }

  @Test
  void binaryFormIsBigEndianAndReadBack() {
    ByteBuffer bytes = ByteBuffer.allocate(WalPosition.BYTES + 2).order(ByteOrder.LITTLE_ENDIAN);
    POSITION.write(bytes.position(1));
    assertEquals(WalPosition.BYTES + 1, bytes.position());
    assertArrayEquals(
        HexFormat.of().parseHex("001f8cc3f585f9a600ffffffff9123456789abcdef00"), bytes.array());
    assertEquals(POSITION, WalPosition.read(bytes.position(1)));
    assertEquals(WalPosition.BYTES + 1, bytes.position());
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        "1f8cc3f5-85f9a600/1",
        "1f8cc3f5-85f9a600/-1/9123456789abcdef",
        "1f8cc3f5-85f9a600/4294967296/9123456789abcdef",
        "1F8CC3F5-85f9a600/1/9123456789abcdef",
        "1f8cc3f5-85f9a600/1/9123456789abcdef "
      })
  void otherTextIsRefused(String text) {
    IllegalArgumentException refusal =
        assertThrows(IllegalArgumentException.class, () -> WalPosition.parse(text));
    String message = String.valueOf(refusal.getMessage());
    String named = text.contains("4294967296") ? "frame 4294967296" : '"' + text + '"';
    assertTrue(message.contains(named), message);
  }
}
