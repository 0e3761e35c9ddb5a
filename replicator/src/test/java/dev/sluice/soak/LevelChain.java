package dev.sluice.soak;

import dev.sluice.ltx.Txid;
import dev.sluice.ltx.TxidRange;
import dev.sluice.storage.LtxFileName;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.NavigableSet;

/**
 * The files of one level, applied one after another: each must lead to the bytes that the level-0
 * files lead to. Confined to one thread at a time.
 */
final class LevelChain implements AutoCloseable {
  private final Archive archive;
  private final int level;
  private final Replayed replayed;
  private Txid last = Txid.NONE;
  private TxidRange seen = new TxidRange(Txid.FIRST, Txid.FIRST);
  private boolean hasSeen;

  LevelChain(Archive archive, int level, Path folder) throws IOException {
    this.archive = archive;
    this.level = level;
    this.replayed = new Replayed(folder.resolve("level-" + level + ".db"));
  }

  /**
   * Applies the files that have come and whose end is known.
   *
   * @param digests of the database at each TXID, by the level-0 files
   * @return what is wrong
   */
  List<String> update(Map<Txid, Long> digests) throws IOException {
    List<String> faults = new ArrayList<>();
    NavigableSet<TxidRange> files = archive.files(level);
    for (TxidRange range : hasSeen ? files.tailSet(seen, false) : files) {
      Long expected = digests.get(range.max());
      if (expected == null) {
        break; // level 0 is behind
      }
      String what = "level " + level + " " + range;
      if (range.min().equals(Txid.FIRST)) {
        replayed.clear();
      } else if (!range.min().equals(last.next())) {
        replayUpTo(range.min()); // what a snapshot has was deleted before it was compacted
      }
      replayed.apply(archive.path(new LtxFileName(level, range)));
      if (replayed.digest() != expected) {
        faults.add(what + " leads to another database than level 0");
      }
      last = range.max();
      seen = range;
      hasSeen = true;
    }
    return faults;
  }

  private void replayUpTo(Txid end) throws IOException {
    replayed.clear();
    for (Txid txid = Txid.FIRST; txid.isBefore(end); txid = txid.next()) {
      replayed.apply(archive.holding(txid).get(0));
    }
  }

  @Override
  public void close() throws IOException {
    replayed.close();
  }
}
