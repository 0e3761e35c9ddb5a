package dev.sluice.soak;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.concurrent.locks.ReentrantLock;
import java.util.concurrent.locks.ReentrantReadWriteLock;

/**
 * A program that knows nothing of replication: several connections write, read, checkpoint and
 * vacuum one database, as fast as they are told to.
 *
 * <p>It obeys lines on standard input: {@code pause ID} is answered by {@code paused ID NUMBER}
 * when no transaction is under way any more, {@code go} ends that, and the end of the input ends
 * it. It answers {@code ready} when it begins. Any trouble that {@link Busy} does not take ends it
 * with code 3.
 *
 * <p>Arguments: DATABASE JOURNAL SEED PAGE_SIZE AUTO_VACUUM PAUSE_MICROS WRITERS
 */
final class Application {
  private static final int TROUBLE = 3;
  private static final int TABLES = 6;

  /** The writers take the read lock for what they do; whoever pauses them takes the other. */
  final ReentrantReadWriteLock gate = new ReentrantReadWriteLock(true);

  final ReentrantLock lock = new ReentrantLock();

  /** Whose turn it is, where they take turns. */
  final ReentrantLock turn = new ReentrantLock(true);

  final Busy busy;
  final Model model;
  final Journal journal;
  final Settings settings;
  volatile boolean isEnding;

  /** What the command line says. */
  record Settings(
      Path database,
      Path journal,
      long seed,
      int pageSize,
      int autoVacuum,
      int pauseMicros,
      int writers) {

    /**
     * Returns whether its connections take turns: then whoever is refused was refused because of
     * somebody else.
     */
    boolean isOrderly() {
      return seed % 2 == 0;
    }

    static Settings parse(List<String> arguments) {
      return new Settings(
          Path.of(arguments.get(0)),
          Path.of(arguments.get(1)),
          Long.parseLong(arguments.get(2)),
          Integer.parseInt(arguments.get(3)),
          Integer.parseInt(arguments.get(4)),
          Integer.parseInt(arguments.get(5)),
          Integer.parseInt(arguments.get(6)));
    }

    List<String> arguments() {
      return List.of(
          database.toString(),
          journal.toString(),
          Long.toString(seed),
          Integer.toString(pageSize),
          Integer.toString(autoVacuum),
          Integer.toString(pauseMicros),
          Integer.toString(writers));
    }
  }

  private Application(Settings settings) throws SQLException, IOException {
    this.settings = settings;
    this.busy = new Busy(settings.isOrderly());
    this.journal = Journal.open(settings.journal());
    try (Connection connection = connect()) {
      prepare(connection);
      Rows.Shown shown = Rows.read(connection);
      if (!journal.isRight(shown)) {
        throw new IllegalStateException("the primary itself is wrong: " + shown);
      }
      this.model = Model.of(connection);
      if (model.hash() != shown.hash()) {
        throw new AssertionError("the model is not that of " + shown);
      }
    }
  }

  public static void main(String[] arguments) {
    try {
      new Application(Settings.parse(List.of(arguments))).run();
    } catch (SQLException | IOException | RuntimeException e) {
      trouble(e);
    }
  }

  static void trouble(Throwable e) {
    e.printStackTrace();
    System.err.flush();
    Runtime.getRuntime().halt(TROUBLE);
  }

  Connection connect() throws SQLException {
    Connection connection = DriverManager.getConnection("jdbc:sqlite:" + settings.database());
    execute(connection, "PRAGMA busy_timeout=10000");
    return connection;
  }

  static void execute(Connection connection, String sql) throws SQLException {
    try (Statement statement = connection.createStatement()) {
      statement.execute(sql);
    }
  }

  static Optional<String> value(Connection connection, String sql) throws SQLException {
    try (Statement statement = connection.createStatement();
        ResultSet rows = statement.executeQuery(sql)) {
      return rows.next() ? Optional.ofNullable(rows.getString(1)) : Optional.empty();
    }
  }

  /** A new database gets its page size, its vacuum mode, and the row with the number. */
  private void prepare(Connection connection) throws SQLException, IOException {
    execute(connection, "PRAGMA page_size=" + settings.pageSize());
    execute(connection, "PRAGMA auto_vacuum=" + settings.autoVacuum());
    execute(connection, "PRAGMA journal_mode=WAL");
    execute(connection, "BEGIN IMMEDIATE");
    if (value(connection, "SELECT 1 FROM sqlite_schema WHERE name = 'n'").isEmpty()) {
      long hash = 0;
      execute(connection, "CREATE TABLE n(number INTEGER)");
      for (int i = 0; i < TABLES / 2; i++) {
        execute(connection, createTable(table(i)));
        hash += Rows.hash(table(i));
      }
      long number = journal.lastNumber() + 1;
      execute(connection, "INSERT INTO n VALUES(" + number + ")");
      journal.writing(number, hash);
      execute(connection, "COMMIT");
      journal.committed(number);
      journal.read();
    } else {
      execute(connection, "ROLLBACK");
    }
  }

  static String table(int i) {
    return Rows.TABLES + i;
  }

  static String createTable(String table) {
    return "CREATE TABLE " + table + "(id INTEGER PRIMARY KEY, seed INTEGER, a BLOB)";
  }

  static String anyTable(Random random) {
    return table(random.nextInt(TABLES));
  }

  private void run() throws SQLException, IOException {
    List<Thread> threads = new ArrayList<>();
    for (int i = 0; i < settings.writers(); i++) {
      threads.add(start(new Writer(this, new Random(settings.seed() * 31 + i)), "writer-" + i));
    }
    threads.add(start(new IdleReader(this, new Random(~settings.seed())), "reader"));
    System.out.println("ready");
    obey();
    // The end of the input: connections are closed in order, and the last one deletes the WAL.
    isEnding = true;
    for (Thread thread : threads) {
      joinQuietly(thread);
    }
    System.out.println("ended");
  }

  private static void joinQuietly(Thread thread) {
    try {
      thread.join();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  private static Thread start(Runnable work, String name) {
    Thread thread = new Thread(work, name);
    thread.setDaemon(true);
    thread.start();
    return thread;
  }

  private void obey() throws IOException {
    BufferedReader input =
        new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
    boolean isPaused = false;
    for (String line = input.readLine(); line != null; line = input.readLine()) {
      if (line.startsWith("pause ") && !isPaused) {
        gate.writeLock().lock();
        isPaused = true;
        System.out.println("paused " + line.substring(6) + " " + journal.lastCommitted());
      } else if (line.equals("go") && isPaused) {
        gate.writeLock().unlock();
        isPaused = false;
      }
    }
    if (isPaused) {
      gate.writeLock().unlock();
    }
  }
}
