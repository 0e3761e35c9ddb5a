package dev.sluice.soak;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sluice.replicator.DatabaseSettings;
import dev.sluice.replicator.Replicator;
import dev.sluice.storage.ReplicaClient;
import dev.sluice.storage.ReplicaUrl;
import dev.sluice.testkit.Seed;
import dev.sluice.testkit.Seeded;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledIfSystemProperty;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * What may have become of a database and of the spool while nobody replicated: the next TXIDs are
 * committed states again, and the last one is the primary byte for byte.
 */
class HostCrashTest {
  private static final Duration SURELY = Duration.ofSeconds(60);
  private static final int PAGE_SIZE = 1024;
  private static final int WAL_HEADER = 32;
  private static final int FRAME = PAGE_SIZE + 24;
  private static final int AT_COMMIT = 4;

  /** How often the WAL has begun anew, in its header. */
  private static final int AT_SEQUENCE = 12;

  @TempDir Path folder;

  private Path database = Path.of("");
  private Path replica = Path.of("");
  private final Random random;
  private Journal journal;

  HostCrashTest(@Seeded("sluice.soak.seed") Seed seed) {
    random = seed.random();
  }

  @BeforeEach
  void begin() throws IOException {
    database = Files.createDirectory(folder.resolve("primary")).resolve("app.db");
    replica = Files.createDirectory(folder.resolve("replica"));
    journal = Journal.open(folder.resolve("journal"));
  }

  @AfterEach
  void end() throws IOException {
    journal.close();
  }

  private Committer application() throws SQLException, IOException {
    return new Committer(database, PAGE_SIZE, journal, random);
  }

  /** What is done while it is replicated. */
  private interface Work {
    void run() throws SQLException, IOException;
  }

  /** Replicates while {@code work} is done, and until the replica has it all. */
  private void replicated(Work work) throws Exception {
    try (Replicator replicator = Replicator.builder().start()) {
      DatabaseSettings settings =
          DatabaseSettings.of(database).withSyncInterval(Duration.ofMillis(10));
      var replicated = replicator.add(settings, ReplicaUrl.ofDirectory(replica.toString()));
      if (Files.exists(database)) {
        replicated.syncAndWait(SURELY);
      }
      work.run();
      replicated.syncAndWait(SURELY);
    }
  }

  /** The replica has only committed states, and the primary at its end. */
  private void verify() throws Exception {
    Path home = Files.createTempDirectory(folder, "verified");
    try (Storage storage = Storage.directory(replica);
        ReplicaClient client = storage.open();
        Verifier verifier =
            new Verifier(
                new Archive(client, home.resolve("archive")),
                Journal.open(folder.resolve("journal")),
                home)) {
      verifier.mayGoBack();
      verifier.updateAll();
      assertEquals(List.of(), verifier.faults());
      Path primary = Primary.copy(database, home.resolve("primary.db"));
      assertEquals(-1, Files.mismatch(primary, verifier.file()), "a byte of the primary");
      assertEquals(-1, Files.mismatch(primary, verifier.restore(client)), "a byte restored");
    }
  }

  /** What is on disk of a database without its -shm, as a host's crash leaves it. */
  private static final class Disk {
    private final byte[] database;
    private final byte[] wal;

    Disk(byte[] database, byte[] wal) {
      this.database = database;
      this.wal = wal;
    }

    byte[] database() {
      return database;
    }

    byte[] wal() {
      return wal;
    }
  }

  private Disk disk() throws IOException {
    return new Disk(Files.readAllBytes(database), Files.readAllBytes(wal()));
  }

  /**
   * Returns what is on disk of commits that were replicated, with a WAL that has all pages that
   * were ever written, whatever is in the database file. If it has begun anew meanwhile, so does
   * all.
   */
  private Disk replicatedDisk() throws Exception {
    for (int attempt = 0; attempt < 5; attempt++) {
      try (Committer application = application()) {
        replicated(() -> application.commit(30));
        Disk disk = disk();
        if (ByteBuffer.wrap(disk.wal()).getInt(AT_SEQUENCE) == 0) {
          return disk;
        }
      }
      end();
      folder = Files.createDirectory(folder.resolve("again"));
      begin();
    }
    throw new AssertionError("each WAL has begun anew");
  }

  private Path wal() {
    return Path.of(database + "-wal");
  }

  /** Puts back what was on disk, into the same files. */
  private void put(Disk disk, int walBytes) throws IOException {
    Files.deleteIfExists(Path.of(database + "-shm"));
    Files.write(database, disk.database());
    Files.deleteIfExists(wal());
    try (RandomAccessFile wal = new RandomAccessFile(wal().toFile(), "rw")) {
      wal.write(disk.wal(), 0, walBytes);
    }
  }

  /** Returns where some commit in the WAL ends, not the last one. */
  private int someCommitEnd(byte[] wal) {
    List<Integer> ends =
        Stream.iterate(WAL_HEADER, at -> at + FRAME <= wal.length, at -> at + FRAME)
            .filter(at -> java.nio.ByteBuffer.wrap(wal).getInt(at + AT_COMMIT) != 0)
            .map(at -> at + FRAME)
            .toList();
    return ends.get(random.nextInt(ends.size() - 1));
  }

  @ParameterizedTest
  @ValueSource(ints = {0, 1, 2, 3})
  void aWalThatWasCutBackAndWentAnotherWayIsShippedAsItIs(int commitsAfterwards) throws Exception {
    Disk disk = replicatedDisk();
    put(disk, someCommitEnd(disk.wal()));
    try (Committer application = application()) {
      application.commit(commitsAfterwards * 20);
      replicated(() -> {});
      verify();
      replicated(() -> application.commit(5));
      verify();
    }
  }

  @Test
  void aWalCutInTheMiddleOfAFrameIsShippedAsSqliteSeesIt() throws Exception {
    Disk disk = replicatedDisk();
    put(disk, WAL_HEADER + random.nextInt(disk.wal().length - WAL_HEADER));
    replicated(() -> {});
    try (Committer application = application()) {
      replicated(() -> application.commit(5));
      verify();
    }
  }

  @Test
  void aWalThatIsGoneWithWhatWasShippedIsShippedAsADifference() throws Exception {
    Disk[] disk = new Disk[1];
    try (Committer application = application()) {
      application.commit(10);
      application.execute("PRAGMA wal_checkpoint(TRUNCATE)");
      replicated(() -> application.commit(30));
      disk[0] = disk();
      application.execute("PRAGMA wal_checkpoint(TRUNCATE)");
      replicated(() -> application.commit(30));
    }
    put(disk[0], 0);
    Files.deleteIfExists(wal());
    assertTrue(Files.size(database) > PAGE_SIZE, "there is nothing in it");
    try (Connection connection = DriverManager.getConnection("jdbc:sqlite:" + database)) {
      assertEquals("ok", Application.value(connection, "PRAGMA integrity_check").orElse(""));
    }
    try (Committer application = application()) {
      replicated(() -> application.commit(5));
      verify();
    }
  }

  /** The log is not fsynced between two cuts: its end may be of any age. */
  @ParameterizedTest
  @ValueSource(strings = {"cut", "zeros", "older", "gone"})
  void aLogWhoseEndIsNotThatOfTheWalIsMadeUpFor(String damage) throws Exception {
    try (Committer application = application()) {
      replicated(() -> application.commit(20));
      List<Path> before = logs();
      List<byte[]> old = before.stream().map(HostCrashTest::read).toList();
      replicated(() -> application.commit(20));
      application.commit(3);
      for (Path log : logs()) {
        damage(log, damage, old.isEmpty() ? new byte[0] : old.get(old.size() - 1));
      }
      replicated(() -> application.commit(3));
      verify();
    }
  }

  private List<Path> logs() throws IOException {
    try (Stream<Path> files =
        Files.list(database.resolveSibling("." + database.getFileName() + "-litestream"))) {
      return files
          .filter(file -> String.valueOf(file.getFileName()).startsWith("log-"))
          .sorted()
          .toList();
    }
  }

  private static byte[] read(Path file) {
    try {
      return Files.readAllBytes(file);
    } catch (IOException e) {
      throw new java.io.UncheckedIOException(e);
    }
  }

  private void damage(Path log, String damage, byte[] old) throws IOException {
    byte[] bytes = Files.readAllBytes(log);
    int from = random.nextInt(bytes.length + 1);
    switch (damage) {
      case "cut" -> Files.write(log, Arrays.copyOf(bytes, from));
      case "zeros" -> {
        Arrays.fill(bytes, from, bytes.length, (byte) 0);
        Files.write(log, bytes);
      }
      case "older" -> Files.write(log, old);
      default -> Files.delete(log);
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {512, 4096, 65536})
  void aDatabaseWhosePageSizeWasChangedGoesOn(int pageSize) throws Exception {
    try (Committer application = application()) {
      replicated(() -> application.commit(20));
      application.execute("PRAGMA journal_mode=DELETE");
      application.execute("PRAGMA page_size=" + pageSize);
      application.execute("VACUUM");
      application.execute("PRAGMA journal_mode=WAL");
      replicated(() -> application.commit(20));
      verify();
    }
  }

  @Test
  void aDatabaseThatWasDroppedAndMadeAnewGoesOn() throws Exception {
    try (Committer application = application()) {
      replicated(() -> application.commit(20));
    }
    Files.delete(database);
    Files.deleteIfExists(wal());
    try (Committer application = application()) {
      application.commit(10);
      replicated(() -> application.commit(10));
      verify();
    }
  }

  @Test
  void aDatabaseWithoutAByteIsWaitedFor() throws Exception {
    Files.createFile(database);
    try (Replicator replicator = Replicator.builder().start()) {
      var replicated =
          replicator.add(DatabaseSettings.of(database), ReplicaUrl.ofDirectory(replica.toString()));
      try (Committer application = application()) {
        application.commit(10);
        replicated.syncAndWait(SURELY);
        application.commit(10);
        replicated.syncAndWait(SURELY);
      }
    }
    verify();
  }

  @Test
  void anOlderBackupPutInPlaceGoesOn() throws Exception {
    byte[] backup;
    try (Committer application = application()) {
      replicated(() -> application.commit(20));
      application.execute("VACUUM INTO '" + folder.resolve("backup.db") + "'");
      replicated(() -> application.commit(20));
      backup = Files.readAllBytes(folder.resolve("backup.db"));
    }
    assertTrue(backup.length > 0);
    Files.move(
        folder.resolve("backup.db"), database, java.nio.file.StandardCopyOption.REPLACE_EXISTING);
    Files.deleteIfExists(wal());
    try (Committer application = application()) {
      replicated(() -> application.commit(5));
      verify();
    }
  }

  /** Pages on both sides of the one at 1 GiB, which no file has. */
  @EnabledIfSystemProperty(named = "sluice.soak.large", matches = "true")
  @Test
  void aDatabaseOfMoreThanAGibibyteGoesOn() throws Exception {
    try (Committer application = application()) {
      application.execute("CREATE TABLE z(id INTEGER PRIMARY KEY, a BLOB)");
      replicated(
          () -> {
            application.execute("INSERT INTO z VALUES(1, zeroblob(990000000))");
            application.commit(5);
          });
      replicated(
          () -> {
            application.execute("INSERT INTO z VALUES(2, zeroblob(120000000))");
            application.commit(5);
          });
      assertTrue(Files.size(database) > 0);
      verify();
      replicated(
          () -> {
            application.execute("DELETE FROM z WHERE id = 2");
            application.commit(5);
          });
      verify();
    }
  }
}
