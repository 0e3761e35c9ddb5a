package dev.sluice.replicator.daemon;

import dev.sluice.replicator.config.DaemonSettings;
import dev.sluice.replicator.config.ListenAddress;
import dev.sluice.replicator.control.ControlApi;
import dev.sluice.replicator.control.ControlSocket;
import dev.sluice.replicator.control.HttpLimits;
import dev.sluice.replicator.control.HttpRoutes;
import dev.sluice.replicator.control.HttpServer;
import dev.sluice.replicator.metrics.Health;
import dev.sluice.replicator.metrics.HeartbeatSender;
import dev.sluice.replicator.metrics.Metrics;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.time.Duration;
import java.time.InstantSource;
import java.util.Optional;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Where others ask a daemon how it is, and tell it what to do: its control socket, its metrics and
 * health on TCP, its heartbeat; each if the configuration says so. Thread-safe.
 */
public final class Doors implements AutoCloseable {
  private static final Logger log = LoggerFactory.getLogger(Doors.class);
  private static final Duration HEARTBEAT_LOOK = Duration.ofSeconds(15);

  private final HttpServer server = new HttpServer(HttpLimits.STANDARD);
  private Optional<HeartbeatSender> heartbeat = Optional.empty();
  private Optional<InetSocketAddress> metrics = Optional.empty();

  private Doors() {}

  /**
   * Opens what the settings say.
   *
   * @param version of this program
   * @throws IOException if a socket or an address cannot be had, because of another daemon for
   *     instance
   */
  public static Doors open(Daemon daemon, DaemonSettings settings, String version)
      throws IOException {
    Doors doors = new Doors();
    try {
      doors.openAll(daemon, settings, version);
      return doors;
    } catch (IOException | RuntimeException e) {
      doors.close();
      throw e;
    }
  }

  private void openAll(Daemon daemon, DaemonSettings settings, String version) throws IOException {
    if (settings.socket().isEnabled()) {
      ControlApi api =
          new ControlApi(daemon.databases(), daemon::register, version, InstantSource.system());
      ControlSocket.listen(
          server, settings.socket().path(), settings.socket().mode(), api.handler());
    }
    if (settings.metrics().isPresent()) {
      Health health = new Health(daemon.databases(), settings.healthLagLimit());
      HttpRoutes routes =
          new HttpRoutes()
              .on("GET", "/metrics", new Metrics(daemon.databases(), health)::answer)
              .on("GET", "/healthz", health::answer);
      InetSocketAddress address = server.listen(address(settings.metrics().get()), routes);
      metrics = Optional.of(address);
      log.info("metrics on port {}", address.getPort());
    }
    heartbeat =
        settings
            .heartbeat()
            .map(one -> new HeartbeatSender(one, daemon.databases(), HEARTBEAT_LOOK));
  }

  private static InetSocketAddress address(ListenAddress address) {
    return address
        .host()
        .map(host -> new InetSocketAddress(host, address.port()))
        .orElseGet(() -> new InetSocketAddress(address.port()));
  }

  /** Returns where metrics and health are, with the port. */
  public Optional<InetSocketAddress> metrics() {
    return metrics;
  }

  /** Closes all of them, and removes the socket. Idempotent. */
  @Override
  public void close() {
    heartbeat.ifPresent(HeartbeatSender::close);
    server.close();
  }
}
