package dev.sluice.replicator.metrics;

import dev.sluice.replicator.config.Heartbeat;
import dev.sluice.replicator.control.Databases;
import dev.sluice.replicator.control.Databases.Registered;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Asks for a URL once an interval, as long as the replica of every database that is there had
 * everything within it: who does not hear of it any more looks what is wrong. One thread;
 * thread-safe.
 */
public final class HeartbeatSender implements AutoCloseable {
  private static final Logger log = LoggerFactory.getLogger(HeartbeatSender.class);
  private static final Duration TIMEOUT = Duration.ofSeconds(30);
  private static final int OK = 200;
  private static final int OK_END = 300;

  private final Heartbeat heartbeat;
  private final Databases databases;
  private final Duration limit;
  private final HttpClient client;
  private final ScheduledExecutorService timer =
      Executors.newSingleThreadScheduledExecutor(
          work -> {
            Thread thread = new Thread(work, "sluice-heartbeat");
            thread.setDaemon(true);
            return thread;
          });
  private long sentNanos;
  private boolean isFailing;

  /** Begins; looks at the databases as often as {@code look} says. */
  public HeartbeatSender(Heartbeat heartbeat, Databases databases, Duration look) {
    this(heartbeat, databases, look, TIMEOUT);
  }

  /**
   * @param limit for the whole of an answer
   */
  HeartbeatSender(Heartbeat heartbeat, Databases databases, Duration look, Duration limit) {
    this.heartbeat = heartbeat;
    this.databases = databases;
    this.limit = limit;
    this.client = HttpClient.newBuilder().connectTimeout(limit).build();
    this.sentNanos = System.nanoTime() - heartbeat.interval().toNanos();
    var unused =
        timer.scheduleWithFixedDelay(
            this::sendIfDue, look.toMillis(), look.toMillis(), TimeUnit.MILLISECONDS);
  }

  /** Counts from the attempt, so that a server that fails is not asked more often. */
  private void sendIfDue() {
    long nowNanos = System.nanoTime();
    if (nowNanos - sentNanos < heartbeat.interval().toNanos() || !isAllSynced()) {
      return;
    }
    sentNanos = nowNanos;
    CompletableFuture<HttpResponse<Void>> sent =
        client.sendAsync(
            HttpRequest.newBuilder(heartbeat.url()).build(),
            HttpResponse.BodyHandlers.discarding());
    try {
      int status = sent.get(limit.toMillis(), TimeUnit.MILLISECONDS).statusCode();
      result(status >= OK && status < OK_END, "it answers " + status);
    } catch (TimeoutException e) {
      result(false, "no whole answer within " + limit.toSeconds() + " s");
    } catch (ExecutionException e) {
      result(false, String.valueOf(e.getCause()).replaceFirst(":.*", ""));
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    } finally {
      sent.cancel(true);
    }
  }

  /** Says no more of the URL than its host: it often has a token in it. */
  private void result(boolean isSent, String why) {
    if (!isSent && !isFailing) {
      log.warn("the heartbeat to {} fails: {}", heartbeat.url().getHost(), why);
    } else if (isSent && isFailing) {
      log.info("the heartbeat to {} works again", heartbeat.url().getHost());
    }
    isFailing = !isSent;
  }

  private boolean isAllSynced() {
    List<Registered> watched =
        databases.all().stream().filter(database -> !database.isStopped()).toList();
    return !watched.isEmpty() && watched.stream().allMatch(this::isSynced);
  }

  private boolean isSynced(Registered database) {
    if (Health.isWaitedFor(database)) {
      return true;
    }
    return database
        .last()
        .sinceSynced()
        .filter(since -> since.compareTo(heartbeat.interval()) <= 0)
        .isPresent();
  }

  @Override
  public void close() {
    timer.shutdownNow();
  }
}
