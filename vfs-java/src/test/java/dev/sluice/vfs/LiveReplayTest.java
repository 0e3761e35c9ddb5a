package dev.sluice.vfs;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sluice.ltx.Txid;
import dev.sluice.storage.LtxFileName;
import dev.sluice.testkit.Golden;
import dev.sluice.testkit.GoldenFile;
import dev.sluice.testkit.Seed;
import dev.sluice.testkit.Seeded;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * The golden histories, fed file by file under open connections: what JDBC shows at each TXID is
 * what SQLite shows of the restored file, whose SHA-256 is the golden one. Then the same while
 * files are compacted and deleted.
 */
class LiveReplayTest {
  private static final int ROUNDS = Integer.getInteger("sluice.replay.rounds", 1);

  @TempDir Path folder;

  @BeforeAll
  static void register() {
    Sluice.register();
  }

  @AfterAll
  static void unregister() {
    Sluice.unregister();
  }

  static List<Golden> goldens() {
    return Golden.all();
  }

  private Map<Txid, DatabaseContents> states(Golden golden) throws IOException, SQLException {
    String url = "file:" + golden.copyTo(folder.resolve("golden"));
    Map<Txid, DatabaseContents> states = new HashMap<>();
    for (Map.Entry<String, String> image : golden.images().entrySet()) {
      Path restored = Restored.at(url, image.getKey(), folder.resolve(image.getKey() + ".db"));
      assertEquals(image.getValue(), Restored.sha256(restored), image::getKey);
      states.put(Txid.parse(image.getKey()), DatabaseContents.of(restored));
      Files.delete(restored);
    }
    return states;
  }

  /** In the order in which they were written: by the TXID that they end at, then by level. */
  private static List<GoldenFile> inOrder(Golden golden) {
    List<GoldenFile> files = new ArrayList<>(golden.files());
    files.sort(Comparator.comparing(GoldenFile::maxTxid).thenComparing(GoldenFile::level));
    return files;
  }

  private static List<GoldenFile> levelZero(Golden golden) {
    return inOrder(golden).stream().filter(file -> file.level() == 0).toList();
  }

  @ParameterizedTest
  @MethodSource("goldens")
  void everyFileAsItComes(Golden golden) throws IOException, SQLException {
    Map<Txid, DatabaseContents> states = states(golden);
    FedReplica replica = new FedReplica(folder.resolve("replica"));
    List<GoldenFile> files = inOrder(golden);
    int fed = 0;
    while (replica.reached().equals(Txid.NONE)) {
      replica.add(files.get(fed).level(), files.get(fed).bytes());
      fed++;
    }
    try (LiveReaders readers =
        new LiveReaders(replica, states, LiveReaders.Old.EXACT, LiveReaders.Old.EXACT)) {
      readers.check(replica.reached());
      for (GoldenFile file : files.subList(fed, files.size())) {
        replica.add(file.level(), file.bytes());
        readers.check(replica.reached());
      }
      assertEquals(golden.images().lastKey(), replica.reached().toString());
      readers.checkAll(replica.reached());
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"incr-4096", "sum-4096", "fullimage-4096", "wal-512", "live-gens-1024"})
  void compactedAndDeletedInEveryOrderThatRetentionAllows(
      String name, @Seeded("sluice.seed") Seed seed) throws IOException, SQLException {
    Golden golden = Golden.named(name);
    Map<Txid, DatabaseContents> states = states(golden);
    Random random = seed.random();
    for (int round = 0; round < ROUNDS; round++) {
      FedReplica replica = new FedReplica(folder.resolve("replica" + round));
      List<GoldenFile> files = levelZero(golden);
      replica.add(0, files.get(0).bytes());
      try (LiveReaders readers =
          new LiveReaders(replica, states, LiveReaders.Old.EXACT, LiveReaders.Old.OR_GONE)) {
        for (GoldenFile file : files.subList(1, files.size())) {
          Txid seen = replica.reached();
          replica.add(0, file.bytes());
          change(replica, seen, random);
          readers.check(replica.reached());
        }
        readers.checkAll(replica.reached());
        requireMostlyExact(name, readers);
      }
    }
  }

  /** Compacts something, or deletes something that a higher level has. */
  private static void change(FedReplica replica, Txid seen, Random random) throws IOException {
    int level = random.nextInt(3);
    List<LtxFileName> files = replica.files(level);
    if (random.nextInt(3) == 0 && !files.isEmpty()) {
      int from = random.nextInt(files.size());
      int to = from + 1 + random.nextInt(files.size() - from);
      List<LtxFileName> inputs = contiguous(files.subList(from, to));
      boolean isSnapshot = inputs.get(0).range().isSnapshot();
      int target = isSnapshot && random.nextBoolean() ? 9 : level + 1;
      if (!replica.had(FedReplica.merged(target, inputs))) {
        replica.merge(target, inputs);
      }
    }
    List<LtxFileName> expired = expired(replica, seen);
    Collections.shuffle(expired, random);
    int count = expired.isEmpty() ? 0 : random.nextInt(expired.size() + 1);
    for (LtxFileName file : expired.subList(0, count)) {
      replica.delete(file);
    }
  }

  private static List<LtxFileName> contiguous(List<LtxFileName> files) {
    List<LtxFileName> chosen = new ArrayList<>(files.subList(0, 1));
    for (LtxFileName file : files) {
      if (file.range().follows(chosen.get(chosen.size() - 1).range().max())) {
        chosen.add(file);
      }
    }
    return chosen;
  }

  /**
   * An L0 goes when one file of a higher level has it, others when a snapshot has them. The newest
   * L0 that a look has seen stays: it is what tells the replica from another.
   */
  private static List<LtxFileName> expired(FedReplica replica, Txid seen) {
    List<LtxFileName> expired = new ArrayList<>();
    for (int level = 0; level <= 3; level++) {
      for (LtxFileName file : replica.files(level)) {
        boolean isNewest = level == 0 && !file.range().max().isBefore(seen);
        boolean isCovered = false;
        for (int higher = level == 0 ? 1 : 9; higher <= 9; higher++) {
          isCovered |=
              replica.files(higher).stream()
                  .anyMatch(
                      other ->
                          !other.range().min().isAfter(file.range().min())
                              && !other.range().max().isBefore(file.range().max()));
        }
        if (isCovered && !isNewest) {
          expired.add(file);
        }
      }
    }
    return expired;
  }

  @ParameterizedTest
  @ValueSource(strings = {"incr-4096", "wal-1024", "live-gens-1024"})
  void deletedInOrdersThatRetentionForbids(String name, @Seeded("sluice.seed") Seed seed)
      throws IOException, SQLException {
    Golden golden = Golden.named(name);
    Map<Txid, DatabaseContents> states = states(golden);
    Random random = seed.random();
    FedReplica replica = new FedReplica(folder.resolve("replica"));
    List<GoldenFile> files = levelZero(golden);
    replica.add(0, files.get(0).bytes());
    try (LiveReaders readers =
        new LiveReaders(replica, states, LiveReaders.Old.OR_GONE, LiveReaders.Old.OR_GONE)) {
      for (GoldenFile file : files.subList(1, files.size())) {
        replica.add(0, file.bytes());
        readers.await(replica.reached());
        List<LtxFileName> there = replica.files(0);
        if (there.size() > 1 && random.nextInt(3) == 0) {
          replica.delete(there.get(random.nextInt(there.size() - 1)));
        }
        readers.check(replica.reached());
      }
      requireMostlyExact(name, readers);
    }
  }

  private static void requireMostlyExact(String name, LiveReaders readers) {
    System.out.println(
        name + ": exact " + readers.exact() + " times, history gone " + readers.gone() + " times");
    assertTrue(readers.exact() >= readers.steps(), "what was in the cache is right at each TXID");
  }

  @Test
  void aGapIsSaidAndRepairedThroughTheLevels() throws IOException, SQLException {
    Golden golden = Golden.named("incr-4096");
    Map<Txid, DatabaseContents> states = states(golden);
    List<GoldenFile> files = levelZero(golden);
    FedReplica aside = new FedReplica(folder.resolve("aside"));
    List<LtxFileName> names = new ArrayList<>();
    for (GoldenFile file : files) {
      names.add(aside.add(0, file.bytes()));
    }
    LtxFileName repair = aside.merge(1, names.subList(2, 7));
    FedReplica replica = new FedReplica(folder.resolve("replica"));
    for (GoldenFile file : files.subList(0, 4)) {
      replica.add(0, file.bytes());
    }
    try (LiveReaders readers =
        new LiveReaders(replica, states, LiveReaders.Old.EXACT, LiveReaders.Old.EXACT)) {
      readers.check(new Txid(4));
      for (GoldenFile file : files.subList(5, 8)) {
        replica.add(0, file.bytes());
        readers.check(new Txid(4));
      }
      String missing = new Txid(5).toString();
      assertTrue(awaitReason(readers.following(), missing), "the missing TXID is said");
      replica.add(1, aside.content(repair));
      assertEquals(new Txid(8), replica.reached());
      readers.check(new Txid(8));
      readers.checkAll(new Txid(8));
    }
    try (Connection fresh = DriverManager.getConnection(Urls.jdbc("file:" + replica.root()))) {
      assertEquals(states.get(new Txid(8)), DatabaseContents.of(fresh));
    }
  }

  /**
   * Asks until the reason says it; a look for news that has failed comes within a poll interval.
   */
  private static boolean awaitReason(Connection connection, String text) throws SQLException {
    long deadline = System.nanoTime() + 10_000_000_000L;
    boolean isSaid = false;
    while (!isSaid && System.nanoTime() < deadline) {
      isSaid = DatabaseContents.value(connection, "PRAGMA litestream_error").contains(text);
    }
    return isSaid;
  }
}
