package dev.sluice.replicator.config;

import java.io.IOException;

/**
 * Says that a configuration cannot be used: where, and why. One line; no value of a secret is in
 * it.
 */
public final class ConfigException extends IOException {
  private static final long serialVersionUID = 1L;

  private final transient Origin origin;
  private final String why;

  /** What is wrong at {@code origin}. */
  public ConfigException(Origin origin, String why) {
    super(origin + ": " + oneLine(why));
    this.origin = origin;
    this.why = oneLine(why);
  }

  /** As the other constructor, with the failure behind it. */
  public ConfigException(Origin origin, String why, Throwable cause) {
    super(origin + ": " + oneLine(why), cause);
    this.origin = origin;
    this.why = oneLine(why);
  }

  /** Returns the place that must be changed. */
  public Origin origin() {
    return origin;
  }

  /** Returns the message without the place. */
  public String why() {
    return why;
  }

  /** What a user wrote may have any character in it, and the line is for a terminal or a log. */
  private static String oneLine(String text) {
    return text.replaceAll("\\s*\\R\\s*", " ").replaceAll("\\p{Cntrl}", "?");
  }
}
