package dev.sluice.replicator.wal;

import java.io.IOException;

/**
 * Says that the first 32 bytes of a WAL make no header: which file, at which byte, which rule. It
 * is no header of SQLite's, or one that is being written; looking once more tells.
 */
public final class WalFormatException extends IOException {
  private static final long serialVersionUID = 1L;

  private final String rule;

  /**
   * @param file how the file is named in messages
   * @param offset the byte from the start of the file at which the rule is broken
   * @param rule what is wrong, with the values
   */
  public WalFormatException(String file, long offset, String rule) {
    super(file + " offset=" + offset + ": " + rule);
    this.rule = rule;
  }

  public String rule() {
    return rule;
  }
}
