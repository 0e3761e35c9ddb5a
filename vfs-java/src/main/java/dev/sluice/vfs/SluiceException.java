package dev.sluice.vfs;

/**
 * Sluice cannot work in this JVM as it is set up, or with the URL as it is written. The message is
 * one line that says what is missing and what to do.
 */
public final class SluiceException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  SluiceException(String message) {
    super(message);
  }

  SluiceException(String message, Throwable cause) {
    super(message, cause);
  }
}
