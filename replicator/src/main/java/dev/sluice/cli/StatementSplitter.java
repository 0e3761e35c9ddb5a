package dev.sluice.cli;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/**
 * Cuts a text of SQL into its statements, by the rules of {@code sqlite3_complete}: a semicolon
 * ends a statement unless it stands in a string, a quoted name, a comment, or the body of a CREATE
 * TRIGGER, which only {@code ; END ;} ends.
 *
 * <p>Not a parser: what SQLite would refuse passes through whole, for SQLite to say why. Confined
 * to one thread at a time.
 */
final class StatementSplitter {

  /** How far the machine is in the statement it reads. */
  private enum State {
    START,
    EXPLAIN,
    CREATE,
    PLAIN,
    TRIGGER,
    TRIGGER_SEMICOLON,
    TRIGGER_END
  }

  private final String text;
  private final List<String> statements = new ArrayList<>();
  private State state = State.START;
  private int start;
  private boolean hasToken;
  private int at;

  private StatementSplitter(String text) {
    this.text = text;
  }

  /**
   * Returns the statements in order, without the space around them; those that are only space and
   * comments are left out.
   */
  static List<String> split(String text) {
    StatementSplitter splitter = new StatementSplitter(text);
    splitter.run();
    return List.copyOf(splitter.statements);
  }

  private void run() {
    while (at < text.length()) {
      char c = text.charAt(at);
      if (isSpace(c)) {
        at++;
      } else if (text.startsWith("--", at)) {
        at = endOf("\n", at + 2);
      } else if (text.startsWith("/*", at)) {
        at = endOf("*/", at + 2);
      } else if (c == ';') {
        at++;
        semicolon();
      } else {
        hasToken = true;
        token(c);
      }
    }
    finish();
  }

  private void token(char c) {
    if (c == '\'' || c == '"' || c == '`') {
      at = endOf(String.valueOf(c), at + 1);
      word("");
    } else if (c == '[') {
      at = endOf("]", at + 1);
      word("");
    } else if (isNamePart(c)) {
      int from = at;
      while (at < text.length() && isNamePart(text.charAt(at))) {
        at++;
      }
      word(text.substring(from, at).toUpperCase(Locale.ROOT));
    } else {
      at++;
      word("");
    }
  }

  private void semicolon() {
    switch (state) {
      case TRIGGER, TRIGGER_SEMICOLON -> state = State.TRIGGER_SEMICOLON;
      default -> finish();
    }
  }

  private void word(String word) {
    state =
        switch (state) {
          case START ->
              switch (word) {
                case "EXPLAIN" -> State.EXPLAIN;
                case "CREATE" -> State.CREATE;
                default -> State.PLAIN;
              };
          case EXPLAIN ->
              switch (word) {
                case "QUERY", "PLAN" -> State.EXPLAIN;
                case "CREATE" -> State.CREATE;
                default -> State.PLAIN;
              };
          case CREATE ->
              switch (word) {
                case "TEMP", "TEMPORARY" -> State.CREATE;
                case "TRIGGER" -> State.TRIGGER;
                default -> State.PLAIN;
              };
          case PLAIN -> State.PLAIN;
          case TRIGGER_SEMICOLON -> word.equals("END") ? State.TRIGGER_END : State.TRIGGER;
          case TRIGGER, TRIGGER_END -> State.TRIGGER;
        };
  }

  private void finish() {
    if (hasToken) {
      statements.add(text.substring(start, at).strip());
    }
    start = at;
    hasToken = false;
    state = State.START;
  }

  /**
   * Returns where what began before {@code from} is over: after the next {@code closing}, or at the
   * end of the text.
   */
  private int endOf(String closing, int from) {
    int found = text.indexOf(closing, from);
    return found < 0 ? text.length() : found + closing.length();
  }

  private static boolean isSpace(char c) {
    return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\f';
  }

  private static boolean isNamePart(char c) {
    return c >= 0x80
        || c == '_'
        || c == '$'
        || (c >= '0' && c <= '9')
        || (c >= 'a' && c <= 'z')
        || (c >= 'A' && c <= 'Z');
  }
}
