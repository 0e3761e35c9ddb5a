package dev.sluice.replicator.levels;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sluice.ltx.LtxHeader;
import dev.sluice.ltx.Txid;
import dev.sluice.ltx.TxidRange;
import dev.sluice.replicator.spool.SpooledFile;
import dev.sluice.replicator.upload.CallLimit;
import dev.sluice.replicator.upload.ReplicaWriter;
import dev.sluice.replicator.upload.Uploader;
import dev.sluice.storage.LtxFile;
import dev.sluice.storage.RestorePlan;
import dev.sluice.storage.Target;
import dev.sluice.storage.history.MemoryReplica;
import dev.sluice.storage.history.WholeFile;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Random;
import java.util.SortedMap;
import java.util.TreeMap;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** A database whose page size changes: nothing is compacted across, and nothing is lost. */
class PageSizeChangeTest {
  private static final int PAGES = 6;

  @TempDir Path folder;

  private final MemoryReplica replica = new MemoryReplica("mem:replica");
  private final ReplicaWriter writer =
      new ReplicaWriter(replica.open(), new CallLimit(Duration.ofSeconds(20)));
  private final Random random = new Random(5);
  private final Map<Txid, SortedMap<Long, byte[]>> states = new HashMap<>();
  private SortedMap<Long, byte[]> state = new TreeMap<>();
  private Instant now = Instant.parse("2026-11-01T00:00:00Z");
  private Txid txid = Txid.NONE;

  private Levels levels() throws IOException {
    Levels levels = new Levels(writer, LevelsWorld.standard(folder, () -> now));
    levels.begin();
    return levels;
  }

  private Uploader uploader() throws IOException {
    Uploader uploader = new Uploader(writer, folder, step -> {});
    assertEquals(txid, uploader.newest());
    return uploader;
  }

  private List<LtxFile> commit(Uploader uploader, int pageSize, boolean isImage)
      throws IOException {
    txid = txid.next();
    SortedMap<Long, byte[]> written = new TreeMap<>();
    for (long pgno = 1; pgno <= PAGES; pgno++) {
      if (isImage || random.nextInt(3) == 0) {
        byte[] page = new byte[pageSize];
        random.nextBytes(page);
        written.put(pgno, page);
      }
    }
    state = new TreeMap<>(state);
    state.putAll(written);
    states.put(txid, state);
    TxidRange range = new TxidRange(txid, txid);
    LtxHeader header = LtxHeader.of(pageSize, PAGES, range, now.toEpochMilli());
    Path path = folder.resolve("cut.ltx");
    Files.write(path, new WholeFile(header, written).encode());
    return uploader.store(
        new SpooledFile(txid, path, Files.size(path), pageSize, written.size() == PAGES));
  }

  private void runFor(Levels levels, Duration time) throws IOException {
    Instant end = now.plus(time);
    while (!levels.nextDue().isAfter(end)) {
      now = now.isBefore(levels.nextDue()) ? levels.nextDue() : now;
      levels.run();
      requireExact();
    }
    now = end;
  }

  private void requireExact() throws IOException {
    for (Txid target : RestoredStates.reachable(replica.files())) {
      SortedMap<Long, byte[]> pages = new TreeMap<>();
      int pageSize = 0;
      for (LtxFile file : RestorePlan.of(replica.files(), new Target.AtTxid(target)).files()) {
        WholeFile whole = WholeFile.decode(replica.content(file.name()).orElseThrow());
        assertTrue(
            pageSize == 0 || pageSize == whole.header().pageSize(), "a plan crosses " + file);
        pageSize = whole.header().pageSize();
        pages.putAll(whole.pages());
      }
      SortedMap<Long, byte[]> expected = Objects.requireNonNull(states.get(target));
      assertEquals(expected.keySet(), pages.keySet(), target::toString);
      expected.forEach(
          (pgno, page) -> assertArrayEquals(page, pages.get(pgno), target + " page " + pgno));
    }
    RestorePlan.of(replica.files(), new Target.Latest());
  }

  /**
   * @param isRestarted whether the upkeep forgets, before it has compacted, where the change was
   */
  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void eachSideIsCompactedByItself(boolean isRestarted) throws IOException {
    Levels levels = levels();
    Uploader uploader = uploader();
    levels.uploaded(commit(uploader, 512, true));
    for (int i = 0; i < 30; i++) {
      boolean isChange = i == 7 || i == 8 || i == 20;
      int pageSize = i < 7 ? 512 : i < 8 ? 4096 : i < 20 ? 1024 : 512;
      levels.uploaded(commit(uploader, pageSize, isChange));
      requireExact();
      if (isRestarted && isChange) {
        levels = levels();
        uploader = uploader();
      }
      runFor(levels, Duration.ofSeconds(11));
    }
    runFor(levels, Duration.ofDays(5));
    assertFalse(levels.needsImage());
    assertEquals(Levels.NEVER, levels.nextDue());
    assertEquals(1, replica.files(0).size());
    assertEquals(1, replica.files(9).size());
  }
}
