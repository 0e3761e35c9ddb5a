package dev.sluice.replicator.upload;

import java.io.IOException;

/**
 * Somebody else writes to the replica: it has files that are not ours where ours belong. Nothing of
 * theirs was overwritten. Whoever gets this stops writing, and a person looks.
 */
public final class SecondWriterException extends IOException {
  private static final long serialVersionUID = 1L;

  public SecondWriterException(String message) {
    super(message);
  }

  SecondWriterException(String message, Throwable cause) {
    super(message, cause);
  }
}
