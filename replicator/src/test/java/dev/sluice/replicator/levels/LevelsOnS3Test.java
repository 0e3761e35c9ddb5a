package dev.sluice.replicator.levels;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sluice.ltx.Txid;
import dev.sluice.replicator.spool.SpooledFile;
import dev.sluice.replicator.upload.CallLimit;
import dev.sluice.replicator.upload.ReplicaWriter;
import dev.sluice.replicator.upload.Uploader;
import dev.sluice.replicator.upload.WriteGuard;
import dev.sluice.storage.Listings;
import dev.sluice.storage.LtxFile;
import dev.sluice.storage.ReplicaClient;
import dev.sluice.storage.ReplicaClients;
import dev.sluice.storage.ReplicaException;
import dev.sluice.storage.ReplicaUrl;
import dev.sluice.storage.RestorePlan;
import dev.sluice.storage.Target;
import dev.sluice.storage.history.MemoryReplica;
import dev.sluice.storage.history.TestPrimary;
import dev.sluice.storage.history.WholeFile;
import dev.sluice.testkit.FaultProxy;
import dev.sluice.testkit.FaultProxy.Fault;
import dev.sluice.testkit.FaultProxy.Request;
import dev.sluice.testkit.S3Server;
import dev.sluice.testkit.Seed;
import dev.sluice.testkit.Seeded;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.concurrent.CompletionException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The whole way to an S3-compatible server, whose answers get lost or are errors at random. */
class LevelsOnS3Test {
  private static final int TXIDS = 60;
  private static final int ATTEMPTS = 5;
  private static final Map<String, String> KEYS =
      Map.of(
          "AWS_ACCESS_KEY_ID",
          S3Server.ACCESS_KEY_ID,
          "AWS_SECRET_ACCESS_KEY",
          S3Server.SECRET_ACCESS_KEY);

  @TempDir Path folder;

  private final TestPrimary primary = new TestPrimary(new MemoryReplica("mem:"), 512, 3);
  private Instant now = primary.now();

  private static Optional<Fault> fault(Random random, Request request) {
    boolean isObject = request.path().endsWith(".ltx");
    return switch (random.nextInt(isObject ? 12 : 60)) {
      case 0 -> Optional.of(new Fault.Status(503, "SlowDown"));
      case 1 -> Optional.of(new Fault.Status(500, "InternalError"));
      case 2 -> Optional.of(new Fault.ResetInsteadOfAnswer());
      default -> Optional.empty();
    };
  }

  private interface Step {
    void run() throws IOException;
  }

  /** Tries until the storage lets it; time passes meanwhile. */
  private void untilDone(Step step) throws IOException {
    while (true) {
      try {
        step.run();
        return;
      } catch (ReplicaException.Unavailable | ReplicaException.OutcomeUnknown e) {
        now = now.plusSeconds(1);
      }
    }
  }

  @Test
  void everyStateIsExactThoughAnswersGetLost(@Seeded("sluice.model.seed") Seed seed)
      throws IOException {
    Random random = seed.random();
    S3Server server = S3Server.shared();
    String bucket = server.createBucket();
    try (FaultProxy proxy = FaultProxy.before(server.endpoint());
        ReplicaClient client = open(bucket, proxy.endpoint().toString());
        ReplicaClient sound = open(bucket, server.endpoint().toString())) {
      proxy.inject(request -> fault(random, request));
      ReplicaWriter writer =
          new ReplicaWriter(client, new CallLimit(Duration.ofSeconds(20)), WriteGuard.conditions());
      Levels levels = new Levels(writer, LevelsWorld.standard(folder, () -> now));
      untilDone(levels::begin);
      Uploader uploader = new Uploader(writer, folder, step -> {});
      uploader.begin(levels.newest());
      for (int i = 0; i < TXIDS; i++) {
        SpooledFile cut = commit(random);
        untilDone(() -> levels.uploaded(uploader.store(cut)));
        runFor(levels, Duration.ofSeconds(1 + random.nextInt(i % 10 == 0 ? 20_000 : 30)));
      }
      int states = requireExact(sound);
      assertTrue(states > 3, "states " + states);
      levels.snapshotNow();
      runFor(levels, Duration.ofDays(1));
      assertFalse(levels.needsImage());
      assertTrue(requireExact(sound) > 0);
      requireNoOverlap(sound);
    }
  }

  private static ReplicaClient open(String bucket, String endpoint) {
    return ReplicaClients.open(
        ReplicaUrl.parse("s3://" + bucket + "/db?endpoint=" + endpoint),
        key -> Optional.ofNullable(KEYS.get(key)));
  }

  private SpooledFile commit(Random random) throws IOException {
    LtxFile file =
        primary.history().txid().equals(Txid.NONE)
            ? primary.commit(10, TestPrimary.all(10))
            : primary.commitAnything(random, 20);
    Path path = folder.resolve("cut.ltx");
    Files.write(path, primary.replica().content(file.name()).orElseThrow());
    return new SpooledFile(primary.history().txid(), path, Files.size(path), 512, false);
  }

  private void runFor(Levels levels, Duration time) throws IOException {
    Instant end = now.plus(time);
    while (!levels.nextDue().isAfter(end)) {
      now = now.isBefore(levels.nextDue()) ? levels.nextDue() : now;
      untilDone(() -> levels.run());
    }
    now = now.isBefore(end) ? end : now;
  }

  private interface Question<T> {
    T ask() throws IOException;
  }

  /** Asks again if a busy server has closed the connection. */
  private static <T> T answer(Question<T> question) throws IOException {
    for (int attempt = 1; ; attempt++) {
      try {
        return question.ask();
      } catch (CompletionException | ReplicaException.Unavailable e) {
        boolean isTransient =
            e instanceof ReplicaException || e.getCause() instanceof ReplicaException.Unavailable;
        if (!isTransient || attempt == ATTEMPTS) {
          throw e;
        }
      }
    }
  }

  private static byte[] content(ReplicaClient client, LtxFile file) throws IOException {
    return answer(
        () -> {
          try (InputStream in = client.open(file).join()) {
            return in.readAllBytes();
          }
        });
  }

  /** Returns how many states can be restored. */
  private int requireExact(ReplicaClient client) throws IOException {
    List<LtxFile> files = answer(() -> Listings.all(client).join());
    int states = 0;
    for (Txid txid : RestoredStates.reachable(files)) {
      SortedMap<Long, byte[]> pages = new TreeMap<>();
      for (LtxFile file : RestorePlan.of(files, new Target.AtTxid(txid)).files()) {
        WholeFile whole = WholeFile.decode(content(client, file));
        pages.putAll(whole.pages());
        pages.tailMap(whole.header().commit() + 1).clear();
      }
      assertEquals(primary.history().commit(txid), pages.size(), txid::toString);
      pages.forEach((pgno, page) -> assertArrayEquals(primary.history().page(txid, pgno), page));
      states++;
    }
    assertEquals(primary.history().txid(), RestoredStates.reachable(files).last());
    return states;
  }

  private static void requireNoOverlap(ReplicaClient client) throws IOException {
    for (int level = 1; level <= 3; level++) {
      int listed = level;
      Txid last = Txid.NONE;
      for (LtxFile file : answer(() -> client.list(listed, Txid.FIRST).join())) {
        assertTrue(file.name().range().min().isAfter(last), file + " overlaps");
        last = file.name().range().max();
      }
    }
  }
}
