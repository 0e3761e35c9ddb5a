package dev.sluice.cli;

import dev.sluice.storage.Deadline;
import dev.sluice.storage.ReplicaClient;
import dev.sluice.storage.ReplicaClients;
import dev.sluice.storage.ReplicaUrl;
import dev.sluice.storage.Retries;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Random;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;

/**
 * A client for the replica that the user named, with what it needs to try again. Owned by one
 * command, which closes it. Thread-safe.
 */
final class OpenedClient implements AutoCloseable {
  private final ReplicaClient client;
  private final ScheduledExecutorService scheduler;
  private final Retries retries;

  private OpenedClient(ReplicaClient client) {
    this.client = client;
    this.scheduler =
        Executors.newSingleThreadScheduledExecutor(
            task -> {
              Thread thread = new Thread(task, "retries");
              thread.setDaemon(true);
              return thread;
            });
    this.retries = Retries.standard(new Random(), scheduler);
  }

  /** Opens the replica; makes no request. A directory need not be there. */
  static OpenedClient openAnywhere(String replica, Terminal terminal) throws Failure {
    return open(parsed(replica), terminal);
  }

  private static OpenedClient open(ReplicaUrl url, Terminal terminal) throws Failure {
    try {
      return new OpenedClient(ReplicaClients.open(url, terminal.environment()));
    } catch (IllegalArgumentException e) {
      throw new Failure("open " + url.location(), e);
    }
  }

  /** Returns the URL that the user wrote: a bare path is a directory. */
  static ReplicaUrl url(String replica) throws Failure {
    ReplicaUrl url = parsed(replica);
    if (url.scheme().equals("file") && !exists(url.path()) && !exists(afterScheme(replica))) {
      throw new Failure("open " + url.location(), "there is no such directory");
    }
    return url;
  }

  /** As {@link #url}; a directory need not be there. */
  static ReplicaUrl parsed(String replica) throws Failure {
    if (isRegularFile(replica)) {
      throw new Failure(
          "open " + replica,
          "that is a file; a replica is the directory that holds ltx/, or a URL such as s3://bucket/path");
    }
    try {
      return ReplicaUrl.parse(replica);
    } catch (IllegalArgumentException e) {
      throw new Failure("open the replica", e);
    }
  }

  private static String afterScheme(String replica) {
    return replica.replaceFirst("^file:(//)?", "");
  }

  private static boolean exists(String path) {
    try {
      return Files.exists(Path.of(path));
    } catch (InvalidPathException e) {
      return false;
    }
  }

  private static boolean isRegularFile(String replica) {
    try {
      return !replica.contains("://") && Files.isRegularFile(Path.of(replica));
    } catch (InvalidPathException e) {
      return false;
    }
  }

  /** Opens the replica that an argument means; makes no request. */
  static OpenedClient open(ReplicaArgument argument) throws Failure {
    try {
      return new OpenedClient(ReplicaClients.open(argument.url(), argument.environment()));
    } catch (IllegalArgumentException e) {
      throw new Failure("open " + argument.url().location(), e);
    }
  }

  /** Returns the client, its calls tried again for at most {@code wait} from now. */
  ReplicaClient within(Duration wait) {
    return retries.until(Deadline.after(wait, System::nanoTime), client);
  }

  /** Returns the client for what tries again by itself; closed with this. */
  ReplicaClient unretried() {
    return client;
  }

  String location() {
    return client.location();
  }

  @Override
  public void close() {
    try {
      client.close();
    } finally {
      scheduler.shutdownNow();
    }
  }
}
