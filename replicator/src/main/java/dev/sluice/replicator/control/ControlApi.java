package dev.sluice.replicator.control;

import dev.sluice.ltx.Txid;
import dev.sluice.replicator.DatabaseStatus;
import dev.sluice.replicator.control.ControlMessages.DatabaseAnswer;
import dev.sluice.replicator.control.ControlMessages.DatabaseRequest;
import dev.sluice.replicator.control.ControlMessages.InfoAnswer;
import dev.sluice.replicator.control.ControlMessages.ListAnswer;
import dev.sluice.replicator.control.ControlMessages.Listed;
import dev.sluice.replicator.control.ControlMessages.RegisterRequest;
import dev.sluice.replicator.control.ControlMessages.StatusAnswer;
import dev.sluice.replicator.control.ControlMessages.SyncAnswer;
import dev.sluice.replicator.control.ControlMessages.SyncRequest;
import dev.sluice.replicator.control.ControlMessages.TxidAnswer;
import dev.sluice.replicator.control.Databases.Done;
import dev.sluice.replicator.control.Databases.Registered;
import dev.sluice.storage.ReplicaUrl;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.time.temporal.ChronoUnit;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.jspecify.annotations.Nullable;

/**
 * What can be asked of a daemon over its control socket: the endpoints of Litestream's, and {@code
 * GET /status}. Thread-safe.
 */
public final class ControlApi {
  private static final Duration DEFAULT_LIMIT = Duration.ofSeconds(30);
  private static final int TIMEOUT_SECONDS_MAX = 24 * 3600;

  private final Databases databases;
  private final Registrar registrar;
  private final String version;
  private final InstantSource clock;
  private final Instant started;

  /** A request cannot be done; the status says whose fault that is. */
  private static final class RefusedException extends Exception {
    private static final long serialVersionUID = 1L;
    private final int status;

    RefusedException(int status, String why) {
      super(why);
      this.status = status;
    }

    HttpReply reply() {
      return HttpReply.error(status, String.valueOf(getMessage()));
    }
  }

  /** Takes one more database in, as the daemon's configuration has it where it says nothing. */
  @FunctionalInterface
  public interface Registrar {
    /**
     * Begins to replicate it.
     *
     * @throws IllegalArgumentException if that cannot be done
     */
    void register(Path database, ReplicaUrl replica);
  }

  /** Answers one request. */
  private interface Endpoint {
    CompletableFuture<HttpReply> answer(HttpCall call)
        throws RefusedException, ControlJson.MalformedException;
  }

  /**
   * Takes what is asked for, and who takes in a database that is registered.
   *
   * @param version of this program
   */
  public ControlApi(Databases databases, Registrar registrar, String version, InstantSource clock) {
    this.databases = databases;
    this.registrar = registrar;
    this.version = version;
    this.clock = clock;
    this.started = clock.instant();
  }

  /** Returns the handler of all endpoints. */
  public HttpHandler handler() {
    return new HttpRoutes()
        .on("POST", "/start", checked(this::start))
        .on("POST", "/stop", checked(this::stop))
        .on("POST", "/register", checked(this::register))
        .on("POST", "/unregister", checked(this::unregister))
        .on("POST", "/sync", checked(this::sync))
        .on("GET", "/txid", checked(this::txid))
        .on("GET", "/list", call -> reply(list()))
        .on("GET", "/info", call -> reply(info()))
        .on("GET", "/status", checked(this::status));
  }

  private static HttpHandler checked(Endpoint endpoint) {
    return call -> {
      try {
        return endpoint.answer(call);
      } catch (RefusedException e) {
        return CompletableFuture.completedFuture(e.reply());
      } catch (ControlJson.MalformedException e) {
        return refuse(HttpReply.BAD_REQUEST, "invalid request body: " + e.getMessage());
      }
    };
  }

  private static CompletableFuture<HttpReply> reply(Object message) {
    return CompletableFuture.completedFuture(HttpReply.json(HttpReply.OK, message));
  }

  private static CompletableFuture<HttpReply> refuse(int status, String why) {
    return CompletableFuture.completedFuture(HttpReply.error(status, why));
  }

  private static Path path(@Nullable String text) throws RefusedException {
    if (text == null || text.isEmpty()) {
      throw new RefusedException(HttpReply.BAD_REQUEST, "path required");
    }
    try {
      return Path.of(text).toAbsolutePath().normalize();
    } catch (InvalidPathException e) {
      throw new RefusedException(HttpReply.BAD_REQUEST, "invalid path: " + e.getMessage());
    }
  }

  private Registered database(Path path) throws RefusedException {
    return databases.find(path).orElseThrow(() -> unknown(path));
  }

  private static RefusedException unknown(Path path) {
    return new RefusedException(HttpReply.NOT_FOUND, "database not found: " + path);
  }

  private static Duration limit(int timeoutSeconds) {
    return timeoutSeconds <= 0
        ? DEFAULT_LIMIT
        : Duration.ofSeconds(Math.min(timeoutSeconds, TIMEOUT_SECONDS_MAX));
  }

  private CompletableFuture<HttpReply> start(HttpCall call)
      throws RefusedException, ControlJson.MalformedException {
    DatabaseRequest request = ControlJson.read(call.body(), DatabaseRequest.class);
    Path path = path(request.path());
    CompletableFuture<Done> started = databases.start(path).orElseThrow(() -> unknown(path));
    return answered(
        started
            .orTimeout(limit(request.timeout()).toNanos(), TimeUnit.NANOSECONDS)
            .thenApply(done -> answer(done.isNew() ? "started" : "already_running", done)),
        "start " + path);
  }

  private CompletableFuture<HttpReply> stop(HttpCall call)
      throws RefusedException, ControlJson.MalformedException {
    DatabaseRequest request = ControlJson.read(call.body(), DatabaseRequest.class);
    Path path = path(request.path());
    CompletableFuture<Done> stopped =
        databases.stop(path, limit(request.timeout())).orElseThrow(() -> unknown(path));
    return answered(
        stopped.thenApply(done -> answer(done.isNew() ? "stopped" : "already_stopped", done)),
        "stop " + path);
  }

  private CompletableFuture<HttpReply> unregister(HttpCall call)
      throws RefusedException, ControlJson.MalformedException {
    DatabaseRequest request = ControlJson.read(call.body(), DatabaseRequest.class);
    Path path = path(request.path());
    Optional<CompletableFuture<Done>> ended = databases.unregister(path, limit(request.timeout()));
    return ended.isEmpty()
        ? reply(new DatabaseAnswer("already_unregistered", path.toString(), 0L))
        : answered(
            ended.get().thenApply(done -> answer("unregistered", done)), "unregister " + path);
  }

  private CompletableFuture<HttpReply> register(HttpCall call)
      throws RefusedException, ControlJson.MalformedException {
    RegisterRequest request = ControlJson.read(call.body(), RegisterRequest.class);
    Path path = path(request.path());
    String url = request.replicaUrl();
    if (url == null || url.isEmpty()) {
      throw new RefusedException(HttpReply.BAD_REQUEST, "replica_url required");
    }
    if (databases.find(path).isPresent()) {
      return reply(new DatabaseAnswer("already_registered", path.toString(), null));
    }
    try {
      registrar.register(path, ReplicaUrl.parse(url));
    } catch (IllegalArgumentException e) {
      throw new RefusedException(HttpReply.BAD_REQUEST, "register " + path + ": " + e.getMessage());
    }
    return reply(new DatabaseAnswer("registered", path.toString(), null));
  }

  /**
   * Without {@code wait} the answer comes at once, and says that it was asked for and what was
   * known until then: the commits are captured within milliseconds, and go out next.
   */
  private CompletableFuture<HttpReply> sync(HttpCall call)
      throws RefusedException, ControlJson.MalformedException {
    SyncRequest request = ControlJson.read(call.body(), SyncRequest.class);
    Registered database = database(path(request.path()));
    if (!database.isOpen()) {
      throw new RefusedException(
          HttpReply.CONFLICT, "database not open: " + why(database.last().status(), database));
    }
    String path = database.path().toString();
    DatabaseStatus before = database.last().status();
    CompletableFuture<Txid> done = database.last().sync();
    if (!request.isWaiting()) {
      return reply(new SyncAnswer("asked", path, before.cut().value(), before.uploaded().value()));
    }
    Duration limit = limit(request.timeout());
    CompletableFuture<Object> answer =
        done.orTimeout(limit.toNanos(), TimeUnit.NANOSECONDS)
            .handle(
                (txid, failure) -> {
                  if (failure != null) {
                    throw new CompletionException(notSynced(database, limit, failure));
                  }
                  boolean isNew = !txid.equals(before.uploaded());
                  return new SyncAnswer(
                      isNew ? "synced" : "no_change", path, txid.value(), txid.value());
                });
    return answered(answer, "sync " + path);
  }

  private static IOException notSynced(Registered database, Duration limit, Throwable failure) {
    DatabaseStatus status = database.last().status();
    return failure instanceof TimeoutException
        ? new IOException("not within " + limit.toSeconds() + " s: " + why(status, database))
        : new IOException(failure.getMessage(), failure);
  }

  private static String why(DatabaseStatus status, Registered database) {
    if (status.trouble().isPresent()) {
      return status.trouble().get();
    }
    if (!database.isOpen()) {
      return database.path() + " was stopped";
    }
    return Files.exists(database.path())
        ? status.waitingBytes() + " bytes wait"
        : "there is no such file yet";
  }

  private CompletableFuture<HttpReply> txid(HttpCall call) throws RefusedException {
    Registered database = database(path(call.parameter("path").orElse("")));
    return reply(new TxidAnswer(Reports.captured(database).value()));
  }

  private ListAnswer list() {
    return new ListAnswer(
        databases.all().stream()
            .map(
                database ->
                    new Listed(
                        database.path().toString(),
                        Reports.listedStatus(database),
                        Reports.lastSync(database, clock).orElse(null)))
            .toList());
  }

  private InfoAnswer info() {
    return new InfoAnswer(
        version,
        ProcessHandle.current().pid(),
        Math.max(0, started.until(clock.instant(), ChronoUnit.SECONDS)),
        started.toString(),
        databases.all().size());
  }

  private CompletableFuture<HttpReply> status(HttpCall call) throws RefusedException {
    Optional<String> path = call.parameter("path");
    if (path.isPresent()) {
      Registered database = database(path(path.get()));
      return reply(new StatusAnswer(List.of(Reports.report(database, clock))));
    }
    return reply(
        new StatusAnswer(
            databases.all().stream().map(database -> Reports.report(database, clock)).toList()));
  }

  private static DatabaseAnswer answer(String status, Done done) {
    Registered database = done.database();
    return new DatabaseAnswer(
        status, database.path().toString(), Reports.captured(database).value());
  }

  private static CompletableFuture<HttpReply> answered(
      CompletableFuture<? extends Object> answer, String doing) {
    return answer.handle(
        (message, failure) ->
            failure == null
                ? HttpReply.json(HttpReply.OK, message)
                : HttpReply.error(HttpReply.FAILED, doing + ": " + reason(failure)));
  }

  private static String reason(Throwable failure) {
    Throwable cause = failure;
    while (cause instanceof CompletionException && cause.getCause() != null) {
      cause = cause.getCause();
    }
    if (cause instanceof TimeoutException) {
      return "not in time";
    }
    return Optional.ofNullable(cause.getMessage()).orElse("unexpected " + cause);
  }
}
