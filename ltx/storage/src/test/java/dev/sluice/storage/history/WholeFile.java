package dev.sluice.storage.history;

import dev.sluice.ltx.LtxDecoder;
import dev.sluice.ltx.LtxEncoder;
import dev.sluice.ltx.LtxHeader;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.Collections;
import java.util.SortedMap;
import java.util.TreeMap;

/**
 * An LTX file taken apart: its header and its pages by pgno, uncompressed.
 *
 * @param pages not copied, nor are the arrays
 */
public record WholeFile(LtxHeader header, SortedMap<Long, byte[]> pages) {

  public WholeFile {
    pages = Collections.unmodifiableSortedMap(pages);
  }

  /** Reads and verifies the bytes of a file. */
  public static WholeFile decode(byte[] content) {
    try (LtxDecoder decoder = new LtxDecoder(new ByteArrayInputStream(content), "a test's file")) {
      SortedMap<Long, byte[]> pages = new TreeMap<>();
      while (decoder.next()) {
        pages.put(decoder.pgno(), decoder.page().clone());
      }
      decoder.finish();
      return new WholeFile(decoder.header(), pages);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** Returns the bytes of the file; its header announces no database checksums. */
  public byte[] encode() {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    try (LtxEncoder encoder = new LtxEncoder(out, header)) {
      for (var page : pages.entrySet()) {
        encoder.page(page.getKey(), page.getValue());
      }
      encoder.finish();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return out.toByteArray();
  }
}
