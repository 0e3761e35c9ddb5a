package dev.sluice.replicator.levels;

import dev.sluice.ltx.Txid;
import dev.sluice.ltx.TxidRange;
import dev.sluice.storage.LtxFileName;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;

/** Holdings as tests write them down. */
final class Held {
  private Held() {}

  /**
   * Returns a file.
   *
   * @param text {@code level:min-max@seconds}, or without the time, which is then 0
   */
  static HeldFile file(String text) {
    String[] parts = text.split("[:@-]", -1);
    long seconds = parts.length > 3 ? Long.parseLong(parts[3]) : 0;
    return new HeldFile(name(text), Instant.ofEpochSecond(seconds));
  }

  static LtxFileName name(String text) {
    String[] parts = text.split("[:@-]", -1);
    TxidRange range =
        new TxidRange(new Txid(Long.parseLong(parts[1])), new Txid(Long.parseLong(parts[2])));
    return new LtxFileName(Integer.parseInt(parts[0]), range);
  }

  static HeldFiles files(Set<LtxFileName> unusable, String... texts) {
    List<FileRows> levels = new ArrayList<>();
    for (int level = 0; level <= LtxFileName.SNAPSHOT_LEVEL; level++) {
      levels.add(new FileRows(level));
    }
    for (String text : texts) {
      HeldFile file = file(text);
      levels.get(file.name().level()).add(file.name().range(), file.since());
    }
    return new HeldFiles(levels.stream().map(FileRows::files).toList(), unusable);
  }

  static HeldFiles files(String... texts) {
    return files(Set.of(), texts);
  }

  static String text(LtxFileName name) {
    return name.level() + ":" + name.range().min().value() + "-" + name.range().max().value();
  }

  static List<String> texts(List<LtxFileName> names) {
    return names.stream().map(Held::text).toList();
  }
}
