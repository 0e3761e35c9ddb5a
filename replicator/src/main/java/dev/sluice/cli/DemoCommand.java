package dev.sluice.cli;

import dev.sluice.storage.Listings;
import dev.sluice.vfs.Sluice;
import dev.sluice.vfs.SluiceDriver;
import java.io.IOException;
import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.HexFormat;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Properties;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ConcurrentSkipListMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/**
 * {@code sluice demo}: all of it once, small and for real: an application that commits, the daemon
 * that ships, a replica that follows, the past, a loss and a restore. Ends by itself and leaves
 * nothing.
 */
@Command(
    name = "demo",
    customSynopsis = "sluice demo [--s3] [--keep] [-v]",
    description = "Show in a few seconds what Sluice does, in a temporary directory.")
final class DemoCommand implements Callable<Integer> {
  private static final Duration LIMIT = Duration.ofSeconds(30);
  private static final Duration PAUSE = Duration.ofMillis(2);
  private static final int LOOKS = 8;
  private static final String LEADING_ZEROS = "^0+";

  private final Terminal terminal;

  @Option(
      names = {"--s3", "-s3"},
      description = "Keep the replica in an S3-compatible server on this host.")
  private boolean isS3;

  @Option(
      names = {"--keep", "-keep"},
      description = "Leave the directory for a look around.")
  private boolean isKept;

  /** When the application says it has committed each order. */
  private final ConcurrentSkipListMap<Long, Long> committed = new ConcurrentSkipListMap<>();

  private final CountDownLatch neverOpens = new CountDownLatch(1);
  private final List<DemoProcess> processes = Collections.synchronizedList(new ArrayList<>());

  DemoCommand(Terminal terminal) {
    this.terminal = terminal;
  }

  /** What a replica showed at some TXID. */
  private record Shown(String txid, long orders) {}

  @Override
  public Integer call() throws Failure, IOException {
    long began = System.nanoTime();
    Path folder = Files.createTempDirectory("sluice-demo-");
    Thread hook = new Thread(() -> removeQuietly(folder), "demo-end");
    Runtime.getRuntime().addShutdownHook(hook);
    try {
      show(folder);
    } catch (SQLException e) {
      throw new Failure("run the demo", e);
    } finally {
      forget(hook);
      endAndRemove(folder);
    }
    say(
        "done",
        "%.1f s in all%s",
        (System.nanoTime() - began) / 1e9,
        isKept ? "; look around in " + folder : ", nothing is left behind");
    return ExitCode.DONE;
  }

  private static void forget(Thread hook) {
    try {
      Runtime.getRuntime().removeShutdownHook(hook);
    } catch (IllegalStateException e) {
      // The program is ending, and the hook runs.
    }
  }

  private void removeQuietly(Path folder) {
    try {
      endAndRemove(folder);
    } catch (IOException e) {
      // It lies where temporary things do.
    }
  }

  private void endAndRemove(Path folder) throws IOException {
    List.copyOf(processes).forEach(DemoProcess::close);
    if (isKept || !Files.exists(folder)) {
      return;
    }
    try (Stream<Path> all = Files.walk(folder)) {
      for (Path path : all.sorted(Collections.reverseOrder()).toList()) {
        Files.deleteIfExists(path);
      }
    }
  }

  private void show(Path folder) throws Failure, IOException, SQLException {
    say("demo", "in %s", folder);
    // While the processes start: what a replica costs to open is then not what a JVM costs to load.
    Thread loading = new Thread(Sluice::register, "demo-load");
    loading.setDaemon(true);
    loading.start();
    DemoStorage storage = isS3 ? DemoStorage.s3(folder) : DemoStorage.directory(folder);
    processes.addAll(storage.server());
    Path database = folder.resolve("shop.db");
    DemoProcess application = startApplication(folder, database);
    DemoProcess daemon = startDaemon(folder, database, storage);
    read(jdbcUrl(storage), List.of(application, daemon));
    application.endInput(LIMIT);
    daemon.terminate(LIMIT);
    String before = content(database);
    long bytes = Files.size(database);
    for (String suffix : new String[] {"", "-wal", "-shm"}) {
      Files.deleteIfExists(folder.resolve("shop.db" + suffix));
    }
    say("loss", "application and daemon end; shop.db, %,d KB, is deleted", bytes / 1000);
    restore(database, storage);
    if (!content(database).equals(before)) {
      throw new Failure("compare the restored database", "it is another");
    }
    say("compare", "all %d orders are there, as they were", committed.lastKey());
    if (isKept) {
      say("keep", "sluice sql %s \"SELECT count(*) FROM orders\"", storage.url());
    }
  }

  private DemoProcess startApplication(Path folder, Path database) throws Failure, IOException {
    DemoProcess application =
        DemoProcess.start(
            "application",
            List.of(
                "-cp",
                System.getProperty("java.class.path"),
                DemoApplication.class.getName(),
                database.toString()),
            folder,
            Map.of(),
            this::take);
    processes.add(application);
    awaitThat(() -> !committed.isEmpty(), List.of(application), "wait for an order");
    say("app", "a process of its own commits an order to shop.db about six times a second");
    return application;
  }

  /** Takes {@code order <id> <milliseconds>}. */
  private void take(String line) {
    String[] words = line.split(" ", -1);
    if (words.length == 3 && words[0].equals("order")) {
      committed.put(Long.parseLong(words[1]), Long.parseLong(words[2]));
    }
  }

  private DemoProcess startDaemon(Path folder, Path database, DemoStorage storage)
      throws Failure, IOException {
    long began = System.nanoTime();
    DemoProcess daemon =
        DemoProcess.start(
            "daemon",
            List.of(
                "-cp",
                System.getProperty("java.class.path"),
                Main.class.getName(),
                "replicate",
                database.toString(),
                storage.url()),
            folder,
            storage.environment());
    processes.add(daemon);
    try (OpenedClient client = OpenedClient.openAnywhere(storage.url(), terminal)) {
      awaitThat(
          () -> !Listings.all(client.within(LIMIT)).join().isEmpty(),
          List.of(daemon),
          "wait for the first file of the replica");
    } catch (CompletionException e) {
      throw new Failure("list the replica", e);
    }
    say(
        "daemon",
        "sluice replicate shop.db ships to %s: first file after %s",
        storage.name(),
        since(began));
    return daemon;
  }

  private static String jdbcUrl(DemoStorage storage) {
    String encoded = URLEncoder.encode(storage.url(), StandardCharsets.UTF_8).replace("+", "%20");
    return "jdbc:sqlite:file:shop.db?vfs=litestream&mode=ro&poll_interval=50ms&replica_url="
        + encoded;
  }

  private static Connection connect(String url) throws SQLException {
    return new SluiceDriver().connect(url, new Properties());
  }

  /** A replica stays open as long as one connection of the process is. */
  private void read(String url, List<DemoProcess> alive) throws Failure, SQLException, IOException {
    long began = System.nanoTime();
    try (Connection replica = connect(url)) {
      say(
          "replica",
          "jdbc:sqlite:file:shop.db?vfs=litestream&replica_url=... opens in %s: %d orders",
          since(began),
          look(replica).orders());
      awaitThat(() -> look(replica).orders() >= 5, alive, "wait for orders in the replica");
      Shown early = look(replica);
      follow(replica, alive);
      past(url, early, replica);
    }
  }

  private static Shown look(Connection replica) throws SQLException {
    try (Statement statement = replica.createStatement();
        ResultSet row = statement.executeQuery("SELECT count(*), litestream_txid() FROM orders")) {
      return new Shown(row.getString(2), row.getLong(1));
    }
  }

  /** How long after each of some commits the replica shows it. */
  private void follow(Connection replica, List<DemoProcess> alive) throws Failure, IOException {
    long[] millis = new long[LOOKS];
    for (int i = 0; i < LOOKS; i++) {
      long known = committed.lastKey();
      awaitThat(() -> committed.lastKey() > known, alive, "wait for an order");
      long order = committed.lastKey();
      awaitThat(() -> look(replica).orders() >= order, alive, "wait for an order in the replica");
      millis[i] = Math.max(0, System.currentTimeMillis() - committed.getOrDefault(order, 0L));
    }
    Arrays.sort(millis);
    say(
        "follow",
        "%d commits, each seen in the replica after %d ms (median), %d ms at most",
        LOOKS,
        millis[LOOKS / 2],
        millis[LOOKS - 1]);
  }

  private void past(String url, Shown early, Connection replica)
      throws Failure, SQLException, IOException {
    long began = System.nanoTime();
    try (Connection past = connect(url + "&txid=" + early.txid())) {
      Shown then = look(past);
      if (!then.equals(early)) {
        throw new Failure("look into the past", then + " is not " + early);
      }
      say(
          "past",
          "&txid=%s opens in %s and shows %d orders, beside the present with %d",
          early.txid().replaceFirst(LEADING_ZEROS, ""),
          since(began),
          then.orders(),
          look(replica).orders());
    }
  }

  private void restore(Path database, DemoStorage storage) throws Failure, IOException {
    long began = System.nanoTime();
    int code =
        new Cli(terminal)
            .run("restore", "-o", database.toString(), "--integrity-check", "full", storage.url());
    if (code != ExitCode.DONE) {
      throw new Failure("restore the database", "see above");
    }
    say("restore", "sluice restore -o shop.db, with SQLite's full check: %s", since(began));
  }

  /** Returns a checksum of every row. */
  private static String content(Path database) throws SQLException {
    try (Connection connection =
            DriverManager.getConnection("jdbc:sqlite:" + IntegrityCheck.uri(database));
        Statement statement = connection.createStatement();
        ResultSet rows = statement.executeQuery("SELECT * FROM orders ORDER BY id")) {
      MessageDigest digest = MessageDigest.getInstance("SHA-256");
      int columns = rows.getMetaData().getColumnCount();
      while (rows.next()) {
        for (int column = 1; column <= columns; column++) {
          digest.update((rows.getString(column) + "\0").getBytes(StandardCharsets.UTF_8));
        }
      }
      return HexFormat.of().formatHex(digest.digest());
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException(e);
    }
  }

  /** Asked again and again. */
  @FunctionalInterface
  private interface Condition {
    boolean holds() throws SQLException;
  }

  private void awaitThat(Condition condition, List<DemoProcess> alive, String what) throws Failure {
    long end = System.nanoTime() + LIMIT.toNanos();
    try {
      while (!condition.holds()) {
        for (DemoProcess process : alive) {
          process.requireAlive();
        }
        if (System.nanoTime() - end > 0
            || neverOpens.await(PAUSE.toNanos(), TimeUnit.NANOSECONDS)) {
          throw new Failure(what, "it did not happen within " + LIMIT.toSeconds() + " s");
        }
      }
    } catch (SQLException e) {
      throw new Failure(what, e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new Failure(what, "interrupted");
    }
  }

  private static String since(long began) {
    long millis = (System.nanoTime() - began) / 1_000_000;
    return millis < 1000 ? millis + " ms" : String.format(Locale.ROOT, "%.1f s", millis / 1000.0);
  }

  private void say(String who, String what, Object... values) throws IOException {
    String line =
        String.format(Locale.ROOT, "%-8s ", who) + String.format(Locale.ROOT, what, values);
    terminal.out().println(line);
    terminal.out().flush();
  }
}
