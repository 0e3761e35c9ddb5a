package dev.sluice.replicator.config;

import java.time.Duration;
import java.util.Optional;

/**
 * What the daemon does beside replicating. Immutable.
 *
 * @param metrics where metrics and health are served, if they are
 * @param command what is run as a child; the daemon ends with it
 * @param shutdownSyncTimeout how long the last sync may take
 * @param healthLagLimit a database that is further behind is not healthy
 */
public record DaemonSettings(
    Optional<ListenAddress> metrics,
    SocketSettings socket,
    Optional<Heartbeat> heartbeat,
    Optional<String> command,
    LoggingSettings logging,
    Duration shutdownSyncTimeout,
    Duration healthLagLimit) {

  /** What holds where nothing is said. */
  public static final DaemonSettings DEFAULT =
      new DaemonSettings(
          Optional.empty(),
          SocketSettings.DEFAULT,
          Optional.empty(),
          Optional.empty(),
          LoggingSettings.DEFAULT,
          Duration.ofSeconds(30),
          Duration.ofMinutes(1));

  /** Returns these settings with another control socket. */
  public DaemonSettings withSocket(SocketSettings control) {
    return new DaemonSettings(
        metrics, control, heartbeat, command, logging, shutdownSyncTimeout, healthLagLimit);
  }
}
