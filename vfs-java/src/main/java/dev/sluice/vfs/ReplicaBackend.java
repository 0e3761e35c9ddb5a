package dev.sluice.vfs;

import dev.sluice.cache.Patience;
import dev.sluice.cache.Replica;
import dev.sluice.cache.ReplicaListener;
import dev.sluice.cache.ReplicaOptions;
import dev.sluice.cache.Replicas;
import dev.sluice.cache.View;
import dev.sluice.cache.ViewException;
import dev.sluice.ltx.Txid;
import dev.sluice.storage.Deadline;
import dev.sluice.storage.Environment;
import dev.sluice.storage.ReplicaUrl;
import dev.sluice.storage.Target;
import dev.sluice.storage.text.Times;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentMap;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Function;
import java.util.stream.Stream;

/**
 * Opens the replicas of this process: one of each, whatever the number of connections. Thread-safe.
 */
final class ReplicaBackend implements Backend {
  private final NativeMemory memory = new NativeMemory();
  private final Replicas replicas;
  private final Clock clock;
  private final Path cacheDirectory;
  private final ConcurrentMap<String, ReplicaOptions> held = new ConcurrentHashMap<>();
  private final AtomicLong holds = new AtomicLong();
  private final IdleSettings idle = new IdleSettings();

  ReplicaBackend(Environment environment, Clock clock, ReplicaListener listener) {
    this.cacheDirectory = ReplicaOptions.cacheDirectory(environment);
    this.replicas = new Replicas(memory, environment, listener);
    this.clock = clock;
  }

  @Override
  public ReplicaFile open(OpenRequest request) throws IOException {
    Target target = target(request.parameters());
    ReplicaOptions options = options(request.parameters());
    Patience patience = new Patience(options.readTimeout(), request.isInterrupted());
    Deadline deadline = Deadline.after(options.readTimeout(), System::nanoTime);
    while (true) {
      Replica replica = replicas.acquire(options);
      try {
        Patience rest = new Patience(left(deadline), request.isInterrupted());
        idle.tell(replica, asked(request.parameters(), options, target));
        View view = replica.at(target, rest);
        boolean isFixed = request.isUnlocked() || !(target instanceof Target.Latest);
        return new ReplicaConnection(
            replica,
            isFixed ? Optional.of(view) : Optional.empty(),
            new ReplicaConnection.Terms(patience, clock, () -> replicas.release(replica)));
      } catch (ViewException e) {
        replicas.release(replica);
        if (!replica.isReplaced() || deadline.hasPassed()) {
          throw e;
        }
        // Another database may have taken the replica's place: this opens that one.
      } catch (IOException | RuntimeException | Error e) {
        replicas.release(replica);
        throw e;
      }
    }
  }

  /** Returns the time there is; a millisecond where there is none, which is enough to say so. */
  private static Duration left(Deadline deadline) {
    Duration left = deadline.remaining();
    return left.toMillis() > 0 ? left : Duration.ofMillis(1);
  }

  /** Holds a replica for the explicit API, which names it in its URLs by a number of ours. */
  OpenReplica hold(ReplicaOptions options) throws IOException {
    Replica replica = replicas.acquire(options);
    try {
      idle.tell(replica, IdleSettings.Request.of(options, Optional.empty()));
    } catch (RuntimeException | Error e) {
      replicas.release(replica);
      throw e;
    }
    String number = Long.toString(holds.incrementAndGet());
    held.put(number, options);
    return new OpenReplica(
        replica,
        number,
        () -> {
          held.remove(number);
          replicas.release(replica);
        });
  }

  @Override
  public void stop() {
    memory.keepReleased();
    replicas.close();
  }

  @Override
  public void close() {
    replicas.close();
    memory.close();
  }

  private ReplicaOptions options(ReplicaParameters parameters) {
    Optional<String> number = parameters.get(ReplicaParameters.REPLICA_OPEN);
    if (number.isPresent()) {
      ReplicaOptions options = held.get(number.get());
      if (options == null) {
        throw new IllegalArgumentException(
            "the replica of this URL was closed: its OpenReplica must stay open");
      }
      return options;
    }
    ReplicaOptions options =
        ReplicaOptions.of(ReplicaUrl.parse(parameters.replicaUrl()))
            .withCacheDirectory(cacheDirectory);
    for (Setting setting : Setting.values()) {
      options = setting.applied(options, parameters);
    }
    return options;
  }

  private static IdleSettings.Request asked(
      ReplicaParameters parameters, ReplicaOptions options, Target target) {
    Optional<String> fixedBy =
        target instanceof Target.Latest
            ? Optional.empty()
            : Stream.of(ReplicaParameters.TXID, ReplicaParameters.TIMESTAMP)
                .filter(name -> parameters.get(name).isPresent())
                .findFirst();
    return parameters.get(ReplicaParameters.REPLICA_OPEN).isPresent()
        ? IdleSettings.Request.of(options, fixedBy)
        : IdleSettings.Request.of(options, parameters, fixedBy);
  }

  private Target target(ReplicaParameters parameters) {
    Optional<Target> txid =
        value(parameters, ReplicaParameters.TXID, text -> new Target.AtTxid(Txid.parse(text)));
    return txid.or(
            () ->
                value(
                    parameters,
                    ReplicaParameters.TIMESTAMP,
                    text -> Times.parse(text, clock.instant())))
        .orElseGet(Target.Latest::new);
  }

  private static <T> Optional<T> value(
      ReplicaParameters parameters, String name, Function<String, T> parser) {
    try {
      return parameters.get(name).map(parser);
    } catch (IllegalArgumentException e) {
      throw new IllegalArgumentException(name + ": " + e.getMessage(), e);
    }
  }
}
