package dev.sluice.replicator.levels;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sluice.ltx.LtxDecoder;
import dev.sluice.ltx.LtxEncoder;
import dev.sluice.ltx.LtxHeader;
import dev.sluice.ltx.Txid;
import dev.sluice.ltx.TxidRange;
import dev.sluice.replicator.upload.CallLimit;
import dev.sluice.replicator.upload.ReplicaWriter;
import dev.sluice.storage.Listings;
import dev.sluice.storage.LtxFile;
import dev.sluice.storage.LtxFileName;
import dev.sluice.storage.PlanException;
import dev.sluice.storage.ReplicaClient;
import dev.sluice.storage.ReplicaClients;
import dev.sluice.storage.ReplicaUrl;
import dev.sluice.storage.RestorePlan;
import dev.sluice.storage.Target;
import dev.sluice.testkit.Golden;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.time.Duration;
import java.time.Instant;
import java.util.Arrays;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Replicas that Litestream wrote are looked after from whatever state it left them in: each TXID
 * that a file ends at restores to the same bytes, before anything is done, after each step, and
 * when their history has gone on.
 */
class GoldenLevelsTest {
  private static final Instant WRITTEN = Instant.parse("2026-11-01T10:00:07Z");
  private static final int COMMITS = 20;

  /** One of so many states of the replica is restored at every TXID. */
  private static final int LOOK_EACH = 6;

  @TempDir Path folder;

  private Instant now = WRITTEN;
  private int runs;

  static Stream<Golden> goldens() {
    return Golden.all().stream();
  }

  @ParameterizedTest
  @MethodSource("goldens")
  void levelsOfLitestreamAreContinued(Golden golden) throws IOException {
    Path replica = golden.copyTo(folder);
    setTimes(replica);
    Map<Txid, String> sums = new HashMap<>();
    golden.images().forEach((txid, sum) -> sums.put(Txid.parse(txid), sum));
    try (ReplicaClient client =
        ReplicaClients.open(ReplicaUrl.ofDirectory(replica.toString()), key -> Optional.empty())) {
      ReplicaWriter writer = new ReplicaWriter(client, new CallLimit(Duration.ofSeconds(20)));
      Levels levels = levels(writer);
      levels.begin();
      assertFalse(levels.needsImage());
      requireExact(client, sums);
      runFor(levels, Duration.ofDays(2), client, sums);
      requireExact(client, sums);
      goOn(golden, writer, levels, sums);
      requireExact(client, sums);
      levels = levels(writer);
      levels.begin();
      runFor(levels, Duration.ofDays(3), client, sums);
      requireExact(client, sums);
      assertEquals(Levels.NEVER, levels.nextDue());
      assertEquals(1, list(client).stream().filter(file -> file.name().level() == 0).count());
    }
  }

  private Levels levels(ReplicaWriter writer) {
    return new Levels(writer, LevelsWorld.standard(folder, () -> now));
  }

  private static void setTimes(Path replica) throws IOException {
    try (Stream<Path> files = Files.walk(replica)) {
      for (Path file : files.filter(Files::isRegularFile).toList()) {
        Files.setLastModifiedTime(file, FileTime.from(WRITTEN));
      }
    }
  }

  private void runFor(Levels levels, Duration time, ReplicaClient client, Map<Txid, String> sums)
      throws IOException {
    Instant end = now.plus(time);
    while (!levels.nextDue().isAfter(end)) {
      now = now.isBefore(levels.nextDue()) ? levels.nextDue() : now;
      levels.run();
      runs++;
      if (runs % LOOK_EACH == 0) {
        requireExact(client, sums);
      }
    }
    now = end;
  }

  /** Commits to the database as Litestream left it. */
  private void goOn(Golden golden, ReplicaWriter writer, Levels levels, Map<Txid, String> sums)
      throws IOException {
    Random random = new Random(golden.name().hashCode());
    Txid last = levels.newest().orElseThrow().name().range().max();
    byte[] image = image(writer.client(), last);
    Path file = folder.resolve("next.ltx");
    for (int i = 0; i < COMMITS; i++) {
      Txid next = last.next();
      int commit = image.length / golden.pageSize();
      long pgno = 1L + random.nextInt(commit);
      byte[] page = new byte[golden.pageSize()];
      random.nextBytes(page);
      System.arraycopy(page, 0, image, (int) (pgno - 1) * page.length, page.length);
      LtxHeader header =
          LtxHeader.of(golden.pageSize(), commit, new TxidRange(next, next), now.toEpochMilli());
      ByteArrayOutputStream out = new ByteArrayOutputStream();
      try (LtxEncoder encoder = new LtxEncoder(out, header)) {
        encoder.page(pgno, page);
        encoder.finish();
      }
      Files.write(file, out.toByteArray());
      levels.uploaded(List.of(writer.create(new LtxFileName(0, header.range()), file, now)));
      sums.put(next, sum(image));
      last = next;
      runFor(levels, Duration.ofMillis(1 + random.nextInt(1_200_000)), writer.client(), sums);
    }
  }

  private static List<LtxFile> list(ReplicaClient client) {
    return Listings.all(client).join();
  }

  private static void requireExact(ReplicaClient client, Map<Txid, String> sums)
      throws IOException {
    int restored = 0;
    List<LtxFile> files = list(client);
    for (Txid txid : RestoredStates.reachable(files)) {
      assertEquals(sums.get(txid), sum(image(client, files, txid)), () -> "TXID " + txid);
      restored++;
    }
    assertTrue(restored > 0);
  }

  private static byte[] image(ReplicaClient client, Txid txid) throws IOException {
    return image(client, list(client), txid);
  }

  private static byte[] image(ReplicaClient client, List<LtxFile> files, Txid txid)
      throws IOException {
    byte[] image = {};
    for (LtxFile file : plan(files, txid).files()) {
      try (InputStream in = client.open(file).join();
          LtxDecoder decoder = new LtxDecoder(in, file.toString())) {
        int pageSize = decoder.header().pageSize();
        image = Arrays.copyOf(image, (int) decoder.header().commit() * pageSize);
        while (decoder.next()) {
          System.arraycopy(
              decoder.page(), 0, image, (int) (decoder.pgno() - 1) * pageSize, pageSize);
        }
        decoder.finish();
      }
    }
    return image;
  }

  private static RestorePlan plan(List<LtxFile> files, Txid txid) throws PlanException {
    return RestorePlan.of(files, new Target.AtTxid(txid));
  }

  private static String sum(byte[] image) {
    try {
      return HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(image));
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException(e);
    }
  }
}
