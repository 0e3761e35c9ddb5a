package dev.sluice.replicator.config;

import java.nio.file.Path;

/**
 * The control socket. Immutable.
 *
 * @param isEnabled whether the daemon makes it; where it is goes for the commands that use it, too
 * @param mode its file mode, as 0600
 */
public record SocketSettings(boolean isEnabled, Path path, int mode) {

  /** What holds where nothing is said. */
  public static final SocketSettings DEFAULT =
      new SocketSettings(false, Path.of("/var/run/litestream.sock"), 0600);
}
