package dev.sluice.soak;

import dev.sluice.storage.ReplicaClient;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.SQLException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;

/**
 * One database's life beside a daemon: both are killed and started at random, and every TXID is
 * looked at as it comes. Confined to one thread.
 */
final class Episode implements AutoCloseable {
  private static final Duration LIMIT = Duration.ofSeconds(60);
  private static final int GAP_MILLIS = 800;
  private static final int AT_ONCE = 20;

  /**
   * How it goes.
   *
   * @param application what writes; its seed is the episode's
   * @param limit it ends after this time
   * @param txids or after so many TXIDs
   * @param runMillis the longest time between two events; the shortest is a third of it
   */
  record Settings(Application.Settings application, Duration limit, long txids, int runMillis) {}

  private final Settings settings;
  private final Storage storage;
  private final Daemon daemon;
  private final Path folder;
  private final Random random;
  private final ReplicaClient client;
  private final Archive archive;
  private final Journal journal;
  private final Verifier verifier;
  private final Acknowledged acknowledged;
  private final List<String> faults = new ArrayList<>();
  private final List<String> events = new ArrayList<>();
  private final List<Path> applicationOutputs = new ArrayList<>();
  private Child application;
  private Child replicator;
  private int starts;
  private int pauses;

  Episode(Settings settings, Storage storage, Daemon daemon, Path folder)
      throws IOException, InterruptedException {
    this.settings = settings;
    this.storage = storage;
    this.daemon = daemon;
    this.folder = folder;
    this.random = new Random(settings.application().seed());
    this.client = storage.open();
    this.archive = new Archive(client, folder.resolve("archive"));
    this.journal = Journal.open(settings.application().journal());
    this.verifier = new Verifier(archive, Journal.open(settings.application().journal()), folder);
    this.acknowledged = new Acknowledged(journal);
    this.application = startApplication();
    this.replicator = startDaemon();
  }

  private Child startApplication() throws IOException {
    Application.Settings base = settings.application();
    Application.Settings next =
        new Application.Settings(
            base.database(),
            base.journal(),
            random.nextLong(),
            base.pageSize(),
            base.autoVacuum(),
            base.pauseMicros(),
            base.writers());
    Path output = folder.resolve("application-" + starts++ + ".log");
    applicationOutputs.add(output);
    Child child = Child.start(Child.java(Application.class, next.arguments()), Map.of(), output);
    if (!isSaid(child, "ready")) {
      fault("the application did not begin: " + child.output());
    }
    return child;
  }

  private Child startDaemon() throws IOException {
    return daemon.start(folder.resolve("daemon-" + starts++ + ".log"));
  }

  private void fault(String what) {
    faults.add(what);
  }

  /** Lives until the limit, or the first fault; returns a line about it. */
  String run() throws IOException, InterruptedException, SQLException {
    long endNanos = System.nanoTime() + settings.limit().toNanos();
    while (faults.isEmpty()
        && verifier.faultCount() == 0
        && System.nanoTime() < endNanos
        && verifier.last().value() < settings.txids()) {
      live(settings.runMillis() / 3 + random.nextInt(settings.runMillis()));
      if (faults.isEmpty()) {
        event();
      }
    }
    if (faults.isEmpty() && verifier.faultCount() == 0) {
      quiet();
    }
    return "%s TXIDs, %d transactions, %d starts, %d files, %d syncs acknowledged, %s"
        .formatted(
            verifier.last(),
            verifier.number(),
            starts,
            archive.fileCount(),
            acknowledged.count(),
            busy());
  }

  /** Returns how often a daemon has said that all is in the replica. */
  int acknowledgedCount() {
    return acknowledged.count();
  }

  /** Returns how often an application was told that the database is busy, or was not. */
  Map<String, Integer> busy() throws IOException {
    Map<String, Integer> counts = Busy.none();
    for (Path output : applicationOutputs) {
      Busy.count(Files.readString(output, StandardCharsets.UTF_8), counts);
    }
    return counts;
  }

  /** Looks at what comes for a while, mostly from when the daemon has begun. */
  private void live(long millis) throws IOException, SQLException {
    long spanNanos = TimeUnit.MILLISECONDS.toNanos(millis);
    long endNanos = System.nanoTime() + spanNanos;
    boolean isWaiting = random.nextInt(5) > 0;
    do {
      long nextNanos = System.nanoTime() + TimeUnit.MILLISECONDS.toNanos(100);
      archive.update();
      verifier.update(AT_ONCE);
      requireAlive();
      if (faults.isEmpty() && daemon.isListening() && random.nextInt(4) == 0) {
        acknowledged.ask(replicator);
      }
      long unused = acknowledged.number();
      if (isWaiting && !daemon.isStarted(replicator)) {
        endNanos = System.nanoTime() + spanNanos;
      }
      LockSupport.parkNanos(Math.min(nextNanos, endNanos) - System.nanoTime());
    } while (System.nanoTime() < endNanos && faults.isEmpty() && verifier.faultCount() == 0);
  }

  private void requireAlive() throws IOException {
    if (!application.isAlive()) {
      fault("the application ended: " + application.output());
    }
    if (!replicator.isAlive()) {
      fault("the daemon ended: " + replicator.output());
    }
  }

  private void event() throws IOException, InterruptedException, SQLException {
    if (storage.isBroken()) {
      if (random.nextInt(3) > 0) {
        note("heal");
        storage.heal();
      }
    } else if (random.nextInt(4) == 0) {
      storage.breakDown(random);
      note(storage.isBroken() ? "break" : "");
    }
    int kind = random.nextInt(100);
    if (kind < 35) {
      note("daemon -9");
      replicator.close();
      requireAcknowledged();
      gap();
      replicator = startDaemon();
    } else if (kind < 70) {
      stopDaemon();
      gap();
      replicator = startDaemon();
    } else if (kind < 80) {
      note("application -9");
      application.close();
      gap();
      application = startApplication();
    } else if (kind < 86) {
      endApplication();
      gap();
      application = startApplication();
    } else if (kind < 92) {
      note("both -9");
      application.close();
      replicator.close();
      requireAcknowledged();
      bothAnew();
    } else {
      quiet();
    }
  }

  /** What a daemon has said to be in the replica is there after its end. */
  private void requireAcknowledged() throws IOException, SQLException {
    long number = acknowledged.number();
    verifier.updateAll();
    if (verifier.number() < number) {
      fault("acknowledged up to " + number + ", stored up to " + verifier.number());
    }
  }

  private void bothAnew() throws IOException {
    if (random.nextBoolean()) {
      replicator = startDaemon();
      gap();
      application = startApplication();
    } else {
      application = startApplication();
      gap();
      replicator = startDaemon();
    }
  }

  private void gap() {
    LockSupport.parkNanos(
        TimeUnit.MILLISECONDS.toNanos(random.nextBoolean() ? 0 : random.nextInt(GAP_MILLIS)));
  }

  private void note(String event) {
    if (!event.isEmpty()) {
      events.add(event + " after TXID " + verifier.last());
    }
  }

  private void endApplication() throws IOException, InterruptedException {
    note("application ends");
    if (!application.end(LIMIT) || application.exitCode() != 0) {
      fault("the application did not end well: " + application.output());
      application.close();
    }
  }

  /** Stops the daemon in order: what was committed before is stored then. */
  private void stopDaemon() throws IOException, InterruptedException, SQLException {
    journal.read();
    long committed = journal.lastCommitted();
    note("daemon -15 with " + committed);
    boolean isHealthy = !storage.isBroken();
    if (!replicator.stop(LIMIT)) {
      fault("the daemon does not stop: " + replicator.output());
      replicator.close();
      return;
    }
    requireAcknowledged();
    if (daemon.isAllStored(replicator)) {
      verifier.updateAll();
      if (verifier.number() < committed) {
        fault("stored up to " + verifier.number() + ", committed before the stop " + committed);
      }
    } else if (isHealthy && !wasYoung()) {
      fault("the daemon was stopped and not all is stored: " + replicator.output());
    }
  }

  /** A process that was stopped before it had begun says nothing. */
  private boolean wasYoung() {
    return !daemon.isStarted(replicator);
  }

  /** When nobody writes the replica and the primary are the same, byte for byte. */
  private void quiet() throws IOException, InterruptedException, SQLException {
    if (!application.isAlive() || !replicator.isAlive()) {
      requireAlive();
      return;
    }
    storage.heal();
    String paused = "paused " + ++pauses + " ";
    application.say("pause " + pauses);
    if (!isSaid(application, paused)) {
      fault("the application does not pause: " + application.output());
      return;
    }
    stopDaemon();
    if (faults.isEmpty() && daemon.isAllStored(replicator)) {
      note("quiet");
      requireSameBytes();
    }
    application.say("go");
    replicator = startDaemon();
  }

  /** Waits as long as an application may be kept from a commit, and looks at what comes. */
  private boolean isSaid(Child child, String begin) throws IOException {
    long endNanos = System.nanoTime() + LIMIT.toNanos();
    while (System.nanoTime() < endNanos && child.isAlive()) {
      if (child.output().lines().anyMatch(line -> line.startsWith(begin))) {
        return true;
      }
      archive.update();
      LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(20));
    }
    return false;
  }

  private void requireSameBytes() throws IOException, SQLException {
    Path primary = Primary.copy(settings.application().database(), folder.resolve("primary.db"));
    long at = Files.mismatch(primary, verifier.file());
    if (at >= 0) {
      fault("at rest the replica differs from the primary at byte " + at);
    }
    long restoredAt = Files.mismatch(primary, verifier.restore(client));
    if (restoredAt >= 0) {
      fault("at rest a restored file differs from the primary at byte " + restoredAt);
    }
  }

  /** Returns what went wrong, with the last events before it; nothing if all is well. */
  List<String> faults() {
    List<String> all = new ArrayList<>(faults);
    all.addAll(verifier.faults());
    if (!all.isEmpty()) {
      all.add("events: " + events.subList(Math.max(0, events.size() - 12), events.size()));
    }
    return all;
  }

  @Override
  public void close() throws IOException {
    application.close();
    replicator.close();
    verifier.close();
    journal.close();
    client.close();
  }
}
