package dev.sluice.ltx;

import java.io.IOException;

/** Says that an LTX file breaks a rule of the format: which file, at which byte, which rule. */
public final class LtxFormatException extends IOException {
  private static final long serialVersionUID = 1L;

  private final String file;
  private final long offset;
  private final String rule;

  /**
   * @param file how the file is named in messages: a URL or path, without credentials
   * @param offset the byte from the start of the file at which the rule is broken, or -1 if it has
   *     no one place
   * @param rule what is wrong, with the values
   */
  public LtxFormatException(String file, long offset, String rule) {
    super(message(file, offset, rule));
    this.file = file;
    this.offset = offset;
    this.rule = rule;
  }

  /** As the other constructor, with the failure of the codec below as the cause. */
  public LtxFormatException(String file, long offset, String rule, Throwable cause) {
    super(message(file, offset, rule), cause);
    this.file = file;
    this.offset = offset;
    this.rule = rule;
  }

  private static String message(String file, long offset, String rule) {
    return file + (offset < 0 ? "" : " offset=" + offset) + ": " + rule;
  }

  public String file() {
    return file;
  }

  public long offset() {
    return offset;
  }

  public String rule() {
    return rule;
  }
}
