package dev.sluice.testkit;

/**
 * One LTX file of a golden replica. Immutable.
 *
 * @param level its compaction level, 0 to 9
 * @param name {@code MIN-MAX.ltx}
 * @param path where it is among the resources, below {@code golden/}
 */
public record GoldenFile(int level, String name, String path) {

  /** Returns the first TXID that the file covers: 16 hex digits. */
  public String minTxid() {
    return name.substring(0, 16);
  }

  /** Returns the last TXID that the file covers: 16 hex digits. */
  public String maxTxid() {
    return name.substring(17, 33);
  }

  /** Returns the content, a new array each time. */
  public byte[] bytes() {
    return Golden.resource(path);
  }

  /** Returns the path, which names replica, level and file. */
  @Override
  public String toString() {
    return path;
  }
}
