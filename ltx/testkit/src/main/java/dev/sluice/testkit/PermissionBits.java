package dev.sluice.testkit;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;

/**
 * Whether the modes of files bind whoever runs the tests; none bind root unless it gave up its
 * privileges.
 */
public final class PermissionBits {
  private PermissionBits() {}

  /** Returns whether a file of mode 000, made in this folder for a moment, cannot be read. */
  public static boolean hold(Path folder) throws IOException {
    Path probe = Files.createTempFile(folder, "probe", "");
    try {
      Files.setPosixFilePermissions(probe, PosixFilePermissions.fromString("---------"));
      return !Files.isReadable(probe);
    } finally {
      Files.delete(probe);
    }
  }
}
