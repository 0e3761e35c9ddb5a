package dev.sluice.storage;

import dev.sluice.ltx.Txid;
import dev.sluice.ltx.TxidRange;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * How a storage arranges a replica's files under the replica's path. Keys have no leading slash.
 * File names sort as their TXIDs do, so a listing in key order is in TXID order.
 *
 * <pre>
 *   OBJECT_STORE  path/0000/0000000000000001-0000000000000001.ltx   S3 and Alibaba OSS: the level as 4 hex digits
 *   DIRECTORY     path/ltx/0/0000000000000001-0000000000000001.ltx  the others: the level in decimal
 * </pre>
 */
public enum Layout {
  OBJECT_STORE,
  DIRECTORY;

  /** What every LTX file name ends in. */
  public static final String SUFFIX = ".ltx";

  private static final Pattern NAME = Pattern.compile("([0-9a-f]{16})-([0-9a-f]{16})\\.ltx");

  /**
   * Returns the folder of a level, relative to the replica's path, without a slash at either end.
   */
  public String folder(int level) {
    if (level < 0 || level > LtxFileName.SNAPSHOT_LEVEL) {
      throw new IllegalArgumentException(
          "level " + level + " is not in 0.." + LtxFileName.SNAPSHOT_LEVEL);
    }
    return this == OBJECT_STORE ? "000" + level : "ltx/" + level;
  }

  /** Returns the key prefix of a level, ending in a slash. */
  public String prefix(String path, int level) {
    return (path.isEmpty() ? "" : path + "/") + folder(level) + "/";
  }

  /** Returns the whole key of a file. */
  public String key(String path, LtxFileName name) {
    return prefix(path, name.level()) + fileName(name.range());
  }

  /**
   * Returns a key that sorts before every file of the level whose min TXID is {@code from} or
   * later, and after all others: what a listing in key order starts after.
   */
  public String startAfter(String path, int level, Txid from) {
    return prefix(path, level) + from;
  }

  /** Returns {@code <min>-<max>.ltx}. */
  public static String fileName(TxidRange range) {
    return range + SUFFIX;
  }

  /**
   * Returns what a file in a level's folder is, or empty if its name is not exactly one that {@link
   * #fileName} returns.
   */
  public static Optional<LtxFileName> parse(int level, String fileName) {
    Matcher matcher = NAME.matcher(fileName);
    if (!matcher.matches()) {
      return Optional.empty();
    }
    Txid min = Txid.parse(matcher.group(1));
    Txid max = Txid.parse(matcher.group(2));
    if (min.equals(Txid.NONE) || max.isBefore(min)) {
      return Optional.empty();
    }
    return Optional.of(new LtxFileName(level, new TxidRange(min, max)));
  }

  /** As {@link #parse(int, String)}, for a whole key that a listing of {@link #prefix} gave. */
  public static Optional<LtxFileName> parseKey(String prefix, int level, String key) {
    return key.startsWith(prefix) ? parse(level, key.substring(prefix.length())) : Optional.empty();
  }
}
