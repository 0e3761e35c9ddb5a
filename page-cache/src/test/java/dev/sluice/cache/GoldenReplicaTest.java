package dev.sluice.cache;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sluice.cache.restore.DatabasePlace;
import dev.sluice.cache.restore.Restorer;
import dev.sluice.ltx.Txid;
import dev.sluice.storage.PlanException;
import dev.sluice.storage.ReplicaClient;
import dev.sluice.storage.ReplicaClients;
import dev.sluice.storage.ReplicaUrl;
import dev.sluice.storage.RequestMeter;
import dev.sluice.storage.Target;
import dev.sluice.testkit.Golden;
import dev.sluice.testkit.GoldenFile;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.SortedMap;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

class GoldenReplicaTest {
  @TempDir Path dir;

  static List<Golden> goldens() {
    return Golden.all();
  }

  @ParameterizedTest
  @MethodSource("goldens")
  void everyTxidIsTheGoldenImage(Golden golden) throws IOException {
    requireImages(golden.copyTo(dir), golden.images(), golden.name());
  }

  @Test
  void chainsMixedFromFilesOfOneHistoryAreTheGoldenImages() throws IOException {
    SortedMap<String, String> images = Golden.named("incr-4096").images();
    List<String> names = List.of("incr-4096", "sum-4096", "legacy-4096", "fullimage-4096");
    for (int seed = 1; seed <= 8; seed++) {
      Random random = new Random(seed);
      List<GoldenFile> files = new ArrayList<>(Golden.named("levels-incr-4096").files());
      for (String txid : images.keySet()) {
        List<GoldenFile> candidates =
            names.stream()
                .flatMap(name -> Golden.named(name).files().stream())
                .filter(file -> file.maxTxid().equals(txid))
                .toList();
        files.add(candidates.get(random.nextInt(candidates.size())));
      }
      requireImages(Golden.copyTo(dir.resolve("mixed" + seed), files), images, "seed " + seed);
    }
  }

  private void requireImages(Path path, Map<String, String> images, String what)
      throws IOException {
    StringBuilder figures = new StringBuilder(what);
    try (Replicas replicas = TestReplicas.replicas()) {
      Replica replica = replicas.acquire(TestReplicas.options(path));
      RequestMeter.Snapshot opened = replica.requests();
      figures.append(
          ": rounds="
              + opened.rounds()
              + " lists="
              + opened.lists()
              + " gets="
              + opened.gets()
              + " bytes="
              + opened.bytes());
      System.out.println(figures);
      assertTrue(opened.rounds() <= 3, opened.toString());
      for (Map.Entry<String, String> image : images.entrySet()) {
        Txid txid = Txid.parse(image.getKey());
        byte[] golden = restore(path, new Target.AtTxid(txid));
        assertEquals(image.getValue(), TestReplicas.sha256(golden), what + " " + txid);
        View view = replica.at(new Target.AtTxid(txid));
        assertEquals(txid, view.txid());
        assertSame(view, replica.at(new Target.AtTxid(txid)));
        requireImage(replica, view, golden, what + " " + txid);
      }
      replicas.release(replica);
    }
  }

  private byte[] restore(Path replica, Target target) throws IOException {
    Path out = Files.createTempDirectory(dir, "out").resolve("db");
    try (ReplicaClient client =
            ReplicaClients.open(
                ReplicaUrl.ofDirectory(replica.toString()), name -> Optional.empty());
        Restorer restorer = new Restorer(client, new RequestMeter(), Duration.ofSeconds(20))) {
      Restorer.Result result =
          restorer.restore(target, out, DatabasePlace.Existing.REFUSE, Restorer.Progress.none());
      assertEquals(result.bytes(), Files.size(out));
      return Files.readAllBytes(out);
    }
  }

  private static void requireImage(Replica replica, View view, byte[] image, String what)
      throws IOException {
    int pageSize = view.pageSize();
    assertEquals(image.length, view.commit() * pageSize, what);
    for (int pgno = 1; pgno <= view.commit(); pgno++) {
      byte[] expected = Arrays.copyOfRange(image, (pgno - 1) * pageSize, pgno * pageSize);
      byte[] found = TestReplicas.page(replica, view, pgno);
      assertArrayEquals(expected, found, what + " page " + pgno);
    }
  }

  @Test
  void aTxidWhereNoFileEndsNamesItsNeighbours() throws IOException {
    Path path = Golden.named("levels-incr-4096").copyTo(dir);
    try (Replicas replicas = TestReplicas.replicas()) {
      Replica replica = replicas.acquire(TestReplicas.options(path));
      PlanException.NotReachable failure =
          assertThrows(
              PlanException.NotReachable.class, () -> replica.at(new Target.AtTxid(new Txid(5))));
      assertEquals(Optional.of(new Txid(4)), failure.below());
      assertEquals(Optional.of(new Txid(6)), failure.above());
      assertEquals(Optional.empty(), replica.lastError());
    }
  }

  @Test
  void aTimeIsTheNewestStateStrictlyBefore() throws IOException {
    Path path = Golden.named("incr-4096").copyTo(dir);
    try (Replicas replicas = TestReplicas.replicas()) {
      Replica replica = replicas.acquire(TestReplicas.options(path));
      View five = replica.at(new Target.AtTxid(new Txid(5)));
      View six = replica.at(new Target.AtTxid(new Txid(6)));
      if (six.time().isAfter(five.time())) {
        assertSame(five, replica.at(new Target.Before(six.time())));
      }
      assertSame(
          replica.latest(), replica.at(new Target.Before(Instant.parse("2100-01-01T00:00:00Z"))));
      assertThrows(
          PlanException.NotReachable.class, () -> replica.at(new Target.Before(Instant.EPOCH)));
    }
  }

  /** The snapshot at TXID 2 was made 353 ms after the state that it holds. */
  @Test
  void aSnapshotIsDatedByTheFileOfAnotherLevel() throws IOException {
    Path path = Golden.named("live-4096").copyTo(dir);
    try (Replicas replicas = TestReplicas.replicas()) {
      Replica replica = replicas.acquire(TestReplicas.options(path));
      View view = replica.at(new Target.AtTxid(new Txid(2)));
      assertEquals(Instant.parse("2026-11-21T00:32:01.767Z"), view.time());
    }
  }

  @Test
  void tenMoreAcquiresMakeNoRequestAndShareEverything() throws IOException {
    Path path = Golden.named("live-4096").copyTo(dir);
    try (Replicas replicas = TestReplicas.replicas()) {
      Replica first = replicas.acquire(TestReplicas.options(path));
      RequestMeter.Snapshot before = first.requests();
      for (int i = 0; i < 10; i++) {
        assertSame(first, replicas.acquire(TestReplicas.options(path)));
      }
      assertEquals(before, first.requests());
      for (int i = 0; i < 11; i++) {
        replicas.release(first);
      }
      Replica second = replicas.acquire(TestReplicas.options(path));
      assertTrue(second != first);
    }
  }
}
