package dev.sluice.cache.bulk;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sluice.ltx.Crc64;
import dev.sluice.storage.LtxFile;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;

/** Keeps all pages, and checks that they come as {@link PageSink} says. Thread-safe. */
class CollectedPages implements PageSink {
  private final Map<LtxFile, SortedMap<Long, byte[]>> pages = new HashMap<>();
  private final List<LtxFile> begun = new ArrayList<>();
  private final List<LtxFile> proven = new ArrayList<>();
  private long arrivedBytes;

  @Override
  public synchronized List<SummedFrames> begin(BulkFile file) {
    begun.add(file.file());
    assertNull(pages.put(file.file(), new TreeMap<>()));
    return List.of();
  }

  @Override
  public void take(PageRun run) {
    int pageSize = run.file().header().pageSize();
    for (int i = 0; i < run.count(); i++) {
      byte[] page = Arrays.copyOfRange(run.pages(), run.offset(i), run.offset(i) + pageSize);
      assertEquals(run.crc(i), Crc64.of(page));
      synchronized (this) {
        SortedMap<Long, byte[]> ofFile = pages.get(run.file().file());
        assertNotNull(ofFile, "pages before their file has begun");
        assertNull(ofFile.put(run.pgno(i), page), "a page that was taken twice");
      }
    }
  }

  @Override
  public synchronized void proven(BulkFile file) {
    assertEquals(file.index().count(), pages(file.file()).size());
    assertTrue(proven.add(file.file()));
  }

  @Override
  public synchronized void arrived(long bytes) {
    assertTrue(bytes >= 0);
    arrivedBytes += bytes;
  }

  synchronized SortedMap<Long, byte[]> pages(LtxFile file) {
    return pages.getOrDefault(file, new TreeMap<>());
  }

  synchronized List<LtxFile> begun() {
    return List.copyOf(begun);
  }

  synchronized List<LtxFile> proven() {
    return List.copyOf(proven);
  }

  synchronized long arrivedBytes() {
    return arrivedBytes;
  }
}
