package dev.sluice.replicator.config;

/**
 * How the daemon's log looks. Immutable.
 *
 * @param toStderr whether it goes to standard error, and not to standard output
 * @param showsSource whether each line names the source file and line it comes from
 */
public record LoggingSettings(Level level, Type type, boolean toStderr, boolean showsSource) {

  /** What is logged at least. */
  public enum Level {
    TRACE,
    DEBUG,
    INFO,
    WARN,
    ERROR
  }

  /** One line of text, or one JSON object, for each event; {@code PRETTY} is text for a person. */
  public enum Type {
    TEXT,
    JSON,
    PRETTY
  }

  /** What holds where nothing is said. */
  public static final LoggingSettings DEFAULT =
      new LoggingSettings(Level.INFO, Type.TEXT, false, false);

  /**
   * Returns these settings with another level, as users write it.
   *
   * @throws IllegalArgumentException if it is none
   */
  public LoggingSettings withLevel(String word) {
    Level other =
        Words.find(Level.class, word)
            .orElseThrow(() -> new IllegalArgumentException(Words.notOne(Level.class, word)));
    return new LoggingSettings(other, type, toStderr, showsSource);
  }
}
