package dev.sluice.cli;

import java.nio.file.AccessDeniedException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.FileSystemException;
import java.nio.file.NoSuchFileException;
import java.sql.SQLException;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ExecutionException;
import org.sqlite.SQLiteException;

/**
 * Something the user asked for did not work: what we were doing, and why it failed, in one line.
 */
final class Failure extends Exception {
  private static final long serialVersionUID = 1L;

  /** A failure whose reason is known in words. */
  Failure(String doing, String why) {
    super(line(doing, why));
  }

  /** A failure whose reason is known in words, with the exception behind it for {@code -v}. */
  Failure(String doing, String why, Throwable cause) {
    super(line(doing, why), cause);
  }

  /** A failure with the reason that {@code cause} gives. */
  Failure(String doing, Throwable cause) {
    this(doing, why(cause), cause);
  }

  /**
   * Returns the reason as a person should read it: SQLite's own words, a file's trouble in words,
   * never a class name alone.
   */
  static String why(Throwable cause) {
    if ((cause instanceof CompletionException || cause instanceof ExecutionException)
        && cause.getCause() != null) {
      return why(cause.getCause());
    }
    if (cause instanceof SQLException sql) {
      return sqliteReason(sql);
    }
    if (cause instanceof FileSystemException file) {
      return fileReason(file);
    }
    String message = cause.getMessage();
    if (message == null || message.isBlank()) {
      return cause.getCause() == null
          ? "unexpected " + cause.getClass().getName()
          : why(cause.getCause());
    }
    return message;
  }

  /**
   * sqlite-jdbc says {@code [CODE] what the code means (SQLite's message)}: the message alone tells
   * more.
   */
  private static String sqliteReason(SQLException cause) {
    String message = String.valueOf(cause.getMessage());
    if (!(cause instanceof SQLiteException sqlite)) {
      return message;
    }
    String prefix = sqlite.getResultCode() + " (";
    boolean isWrapped = message.startsWith(prefix) && message.endsWith(")");
    String own = isWrapped ? message.substring(prefix.length(), message.length() - 1) : message;
    return own.equals("not an error") || own.isBlank() ? sqlite.getResultCode().toString() : own;
  }

  private static String fileReason(FileSystemException cause) {
    String reason = cause.getReason();
    String file = cause.getFile() == null ? "" : ": " + cause.getFile();
    if (cause instanceof NoSuchFileException) {
      return "no such file" + file;
    }
    if (cause instanceof AccessDeniedException) {
      return "permission denied" + file;
    }
    if (cause instanceof FileAlreadyExistsException) {
      return "exists already" + file;
    }
    return (reason == null ? "file system error" : reason) + file;
  }

  /** A reason that begins with what was being done says it once. */
  private static String line(String doing, String why) {
    String reason = why.strip().replaceAll("\\s*[\\r\\n]+\\s*", " ");
    return reason.startsWith(doing + ": ") ? reason : doing + ": " + reason;
  }
}
