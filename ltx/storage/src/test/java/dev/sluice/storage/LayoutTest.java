package dev.sluice.storage;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sluice.ltx.Txid;
import dev.sluice.ltx.TxidRange;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class LayoutTest {
  private static final LtxFileName NAME =
      new LtxFileName(9, new TxidRange(Txid.FIRST, new Txid(0xabcL)));

  @Test
  void keysAreThoseOfTheStorage() {
    assertEquals(
        "a/b/0009/0000000000000001-0000000000000abc.ltx", Layout.OBJECT_STORE.key("a/b", NAME));
    assertEquals(
        "a/b/ltx/9/0000000000000001-0000000000000abc.ltx", Layout.DIRECTORY.key("a/b", NAME));
    assertEquals("0009/0000000000000001-0000000000000abc.ltx", Layout.OBJECT_STORE.key("", NAME));
    assertEquals("ltx/0/", Layout.DIRECTORY.prefix("", 0));
    assertThrows(IllegalArgumentException.class, () -> Layout.DIRECTORY.folder(10));
    assertThrows(IllegalArgumentException.class, () -> Layout.OBJECT_STORE.folder(-1));
  }

  @Test
  void aKeyIsParsedBack() {
    for (Layout layout : Layout.values()) {
      assertEquals(
          Optional.of(NAME), Layout.parseKey(layout.prefix("a/b", 9), 9, layout.key("a/b", NAME)));
      assertEquals(
          Optional.empty(), Layout.parseKey(layout.prefix("a/b", 8), 8, layout.key("a/b", NAME)));
    }
    LtxFileName greatest = new LtxFileName(0, new TxidRange(Txid.MAX, Txid.MAX));
    assertEquals(Optional.of(greatest), Layout.parse(0, "ffffffffffffffff-ffffffffffffffff.ltx"));
  }

  @Test
  void startAfterLiesBetweenTheTxidsAskedForAndTheOnesBefore() {
    String startAfter = Layout.OBJECT_STORE.startAfter("p", 0, new Txid(0x10));
    String first =
        Layout.OBJECT_STORE.key(
            "p", new LtxFileName(0, new TxidRange(new Txid(0x10), new Txid(0x10))));
    String before =
        Layout.OBJECT_STORE.key("p", new LtxFileName(0, new TxidRange(new Txid(0xf), Txid.MAX)));
    assertTrue(startAfter.compareTo(first) < 0);
    assertTrue(startAfter.compareTo(before) > 0);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        ".ltx",
        "1-1.ltx",
        "0000000000000001-0000000000000001",
        "0000000000000001-0000000000000001.LTX",
        "0000000000000001-0000000000000001.ltx.tmp",
        "0000000000000001-0000000000000001.ltx\n",
        " 0000000000000001-0000000000000001.ltx",
        "000000000000000A-000000000000000B.ltx",
        "0000000000000002-0000000000000001.ltx",
        "0000000000000000-0000000000000001.ltx",
        "ffffffffffffffff-0000000000000001.ltx",
        "00000000000000001-00000000000000001.ltx",
        "000000000000000\u0661-0000000000000001.ltx",
        "x/0000000000000001-0000000000000001.ltx",
      })
  void whatIsNotExactlyAFileNameIsJunk(String name) {
    assertEquals(Optional.empty(), Layout.parse(0, name));
  }
}
