package dev.sluice.cache.restore;

import java.io.IOException;

/** A followed copy is not as it was left, or cannot be locked: restore it anew. */
public final class CopyException extends IOException {
  private static final long serialVersionUID = 1L;

  CopyException(String message) {
    super(message);
  }
}
