package dev.sluice.replicator.config;

/**
 * Where something was said: a line of a file, or a place without lines.
 *
 * @param name the file as the user named it, or "the command line"
 * @param line counted from 1; 0 where there are none
 */
public record Origin(String name, int line) {

  /** What a user gave as arguments. */
  public static final Origin COMMAND_LINE = new Origin("the command line", 0);

  /** Returns {@code name:line}, as compilers write it. */
  @Override
  public String toString() {
    return line > 0 ? name + ":" + line : name;
  }
}
