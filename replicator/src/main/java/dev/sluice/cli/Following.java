package dev.sluice.cli;

import dev.sluice.cache.ViewException;
import dev.sluice.cache.restore.CopyFollower;
import dev.sluice.cache.restore.Restorer;
import dev.sluice.ltx.LtxFormatException;
import dev.sluice.storage.PlanException;
import dev.sluice.storage.ReplicaException;
import java.io.IOException;
import java.io.InterruptedIOException;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;

/**
 * What {@code restore --follow} does once the database is there: carries it on until a signal comes
 * or the history ends. Each TXID it reaches is a line on standard output. Confined to one thread at
 * a time.
 */
final class Following {
  private static final int BUSY_MILLIS = 10_000;

  private final Terminal terminal;
  private final OpenedClient client;
  private final CopyFollower follower;
  private final Path copy;
  private final Duration interval;
  private final boolean isJson;
  private final CountDownLatch closing = new CountDownLatch(1);

  /** What the last look failed with, so that it is said once. */
  private Optional<String> trouble = Optional.empty();

  /** The last TXID could not be printed. */
  private boolean isUnread;

  /**
   * What the user asked for.
   *
   * @param interval how often to look for news
   * @param isJson whether each TXID is a JSON object
   */
  record Wishes(Duration interval, boolean isJson) {}

  Following(Terminal terminal, OpenedClient client, Restorer restorer, Path copy, Wishes wishes) {
    this.terminal = terminal;
    this.client = client;
    this.copy = copy;
    this.interval = wishes.interval();
    this.isJson = wishes.isJson();
    this.follower =
        new CopyFollower(
            client.unretried(),
            restorer,
            copy,
            new CopyFollower.Setup(terminal.openTimeout(), closing));
  }

  /** Makes a restored database that has no name yet the beginning. */
  void begin(Path staging, Restorer.Result restored) throws Failure {
    try {
      follower.begin(staging, restored);
    } catch (IOException e) {
      throw new Failure("restore to " + copy, e);
    }
  }

  /** Goes on with a copy from before, as {@link #run} does. */
  void resume() throws Failure, IOException {
    try (StopSignals signals = StopSignals.listen()) {
      stopAt(signals);
      rollBack();
      try {
        follower.resume();
      } catch (IOException e) {
        if (signals.isStopped()) {
          return;
        }
        throw new Failure("follow " + client.location(), e);
      }
      follow();
    }
  }

  /** Lets SQLite undo what a crash has left half done. */
  private void rollBack() throws Failure {
    try (Connection connection =
            DriverManager.getConnection("jdbc:sqlite:" + IntegrityCheck.uri(copy));
        Statement statement = connection.createStatement()) {
      statement.execute("PRAGMA busy_timeout = " + BUSY_MILLIS);
      try (ResultSet rows = statement.executeQuery("SELECT count(*) FROM sqlite_schema")) {
        rows.next();
      }
    } catch (SQLException e) {
      throw new Failure("open " + copy, e);
    }
  }

  /** Follows until a signal comes; a transaction that has begun to be written is ended. */
  void run() throws Failure, IOException {
    try (StopSignals signals = StopSignals.listen()) {
      stopAt(signals);
      follow();
    }
  }

  private void stopAt(StopSignals signals) {
    Thread waiting = new Thread(() -> stopAfter(signals), "follow-stop");
    waiting.setDaemon(true);
    waiting.start();
  }

  private void follow() throws Failure, IOException {
    print();
    while (!isStopped()) {
      if (hasNews()) {
        print();
      }
    }
  }

  private void stopAfter(StopSignals signals) {
    try {
      String unused = signals.await();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
    follower.stop();
  }

  /** The copy goes on, whether somebody reads of it or not; what is not read is said once. */
  private void print() {
    String txid = follower.txid().toString();
    try {
      terminal.out().println(isJson ? new Json().put("txid", txid).toString() : txid);
      terminal.out().flush();
      isUnread = false;
    } catch (Output.WriteException e) {
      if (!isUnread) {
        String why = "write the output: " + Failure.why(e);
        String line = new Failure("follow " + client.location(), why).getMessage();
        terminal.err().println("sluice: " + line + "; going on");
      }
      isUnread = true;
    }
  }

  private boolean isStopped() throws IOException {
    try {
      return closing.await(interval.toNanos(), TimeUnit.NANOSECONDS);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new InterruptedIOException("follow " + client.location() + ": interrupted");
    }
  }

  /** Only the end of the history and trouble with the copy end it: storages come back. */
  private boolean hasNews() throws Failure {
    try {
      boolean hasNews = follower.poll();
      if (trouble.isPresent()) {
        trouble = Optional.empty();
        terminal.err().println("sluice: follow " + client.location() + ": going on");
      }
      return hasNews;
    } catch (ReplicaException | LtxFormatException | ViewException.Gap | PlanException e) {
      String line = new Failure("follow " + client.location(), e).getMessage();
      if (!trouble.equals(Optional.of(String.valueOf(line)))) {
        trouble = Optional.of(String.valueOf(line));
        terminal.err().println("sluice: " + line + "; trying again");
      }
      return false;
    } catch (IOException e) {
      throw new Failure("follow " + client.location(), e);
    }
  }
}
