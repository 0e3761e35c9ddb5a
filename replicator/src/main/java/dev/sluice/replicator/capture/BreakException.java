package dev.sluice.replicator.capture;

import java.io.IOException;

/** What was captured does not go on without a gap: what was missed is to be looked for. */
final class BreakException extends IOException {
  private static final long serialVersionUID = 1L;

  BreakException(String message) {
    super(message);
  }
}
