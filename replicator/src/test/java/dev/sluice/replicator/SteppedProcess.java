package dev.sluice.replicator;

import dev.sluice.replicator.levels.LevelSettings;
import dev.sluice.storage.ReplicaUrl;
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * A program that replicates one database until a signal comes, ten milliseconds between two
 * uploads. It says {@code step NAME} the first time that each step is reached, and {@link #STOPPED}
 * when all is stored at the end; it answers {@link #SYNC}; it can be made to be gone at a step, as
 * after {@code kill -9}.
 *
 * <p>Arguments: DATABASE REPLICA keep|delete [STEP N]. Levels are compacted in seconds; {@code
 * keep} deletes nothing. The N-th time that the step is reached is the end.
 */
public final class SteppedProcess {
  /** What it says when a signal is going to be heard. */
  public static final String STARTED = "started";

  /** What it says last when the replica has all that was committed. */
  public static final String STOPPED = "stopped, all is stored";

  /** What it says before the name of a step. */
  public static final String STEP = "step ";

  /** What it is told before a number, to bring all that is committed into the replica. */
  public static final String SYNC = "sync ";

  /** What it says before that number and the TXID when the replica has it. */
  public static final String SYNCED = "synced ";

  /** Its exit code when it was gone at its step. */
  public static final int GONE = 77;

  private static final Duration SYNC_INTERVAL = Duration.ofMillis(10);
  private static final Duration END_LIMIT = Duration.ofSeconds(30);

  private final Set<String> reached = ConcurrentHashMap.newKeySet();
  private final boolean isKeeping;
  private final String last;
  private final AtomicInteger left;

  private SteppedProcess(boolean isKeeping, String last, int times) {
    this.isKeeping = isKeeping;
    this.last = last;
    this.left = new AtomicInteger(times);
  }

  public static void main(String[] arguments) throws InterruptedException {
    String last = arguments.length > 3 ? arguments[3] : "";
    int times = arguments.length > 4 ? Integer.parseInt(arguments[4]) : 0;
    new SteppedProcess(arguments[2].equals("keep"), last, times)
        .run(Path.of(arguments[0]), ReplicaUrl.parse(arguments[1]));
  }

  /** Returns what a step is called here. */
  public static String name(Enum<?> step) {
    return step.getDeclaringClass().getSimpleName() + "." + step.name();
  }

  private void reached(Enum<?> step) {
    String name = name(step);
    if (reached.add(name)) {
      System.out.println(STEP + name);
    }
    if (name.equals(last) && left.decrementAndGet() == 0) {
      Runtime.getRuntime().halt(GONE);
    }
  }

  private void run(Path database, ReplicaUrl replica) throws InterruptedException {
    CountDownLatch signalled = new CountDownLatch(1);
    CountDownLatch ended = new CountDownLatch(1);
    Runtime.getRuntime()
        .addShutdownHook(
            new Thread(
                () -> {
                  signalled.countDown();
                  awaitQuietly(ended);
                }));
    Replicator replicator = Replicator.builder().endLimit(END_LIMIT).steps(this::reached).start();
    LevelSettings levels =
        new LevelSettings(
            List.of(Duration.ofSeconds(1), Duration.ofSeconds(3)),
            Duration.ofSeconds(6),
            Duration.ofSeconds(8),
            Duration.ofSeconds(5),
            !isKeeping);
    DatabaseSettings settings =
        DatabaseSettings.of(database)
            .withSyncInterval(SYNC_INTERVAL)
            .withOwnProcess(true)
            .withLevels(levels);
    ReplicatedDatabase replicated = replicator.add(settings, replica);
    System.out.println(STARTED);
    Thread listening = new Thread(() -> answer(replicated));
    listening.setDaemon(true);
    listening.start();
    signalled.await();
    replicator.close();
    DatabaseStatus status = replicated.status();
    System.out.println(status.trouble().isEmpty() ? STOPPED : status.toString());
    System.out.flush();
    ended.countDown();
  }

  private static void answer(ReplicatedDatabase replicated) {
    new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8))
        .lines()
        .filter(line -> line.startsWith(SYNC))
        .map(line -> line.substring(SYNC.length()))
        .forEach(
            id -> {
              var unused =
                  replicated
                      .sync()
                      .thenAccept(txid -> System.out.println(SYNCED + id + " with TXID " + txid));
            });
  }

  private static void awaitQuietly(CountDownLatch ended) {
    try {
      ended.await();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}
