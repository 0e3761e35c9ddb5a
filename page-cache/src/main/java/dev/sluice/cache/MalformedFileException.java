package dev.sluice.cache;

import dev.sluice.ltx.LtxFormatException;
import dev.sluice.storage.LtxFile;
import java.io.IOException;

/**
 * Says which file of a plan is malformed, so that a plan without it can be tried; never leaves this
 * module.
 */
final class MalformedFileException extends IOException {
  private static final long serialVersionUID = 1L;

  private final transient LtxFile file;
  private final LtxFormatException reason;

  MalformedFileException(LtxFile file, LtxFormatException reason) {
    super(reason);
    this.file = file;
    this.reason = reason;
  }

  LtxFile file() {
    return file;
  }

  LtxFormatException reason() {
    return reason;
  }
}
