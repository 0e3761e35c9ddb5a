package dev.sluice.cache;

import static org.junit.jupiter.api.Assertions.assertFalse;

import dev.sluice.ltx.LtxEncoder;
import dev.sluice.ltx.LtxHeader;
import dev.sluice.ltx.Txid;
import dev.sluice.ltx.TxidRange;
import dev.sluice.storage.Deadline;
import dev.sluice.storage.ReplicaUrl;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.time.Duration;
import java.util.HexFormat;
import java.util.Optional;
import java.util.SortedMap;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;

/** What tests need to make and open replicas in directories. */
public final class TestReplicas {
  private TestReplicas() {}

  static final PoisoningMemory MEMORY = new PoisoningMemory();

  static Replicas replicas() {
    return new Replicas(MEMORY, name -> Optional.empty());
  }

  public static ReplicaOptions options(Path replica, Duration timeout) {
    return ReplicaOptions.of(ReplicaUrl.ofDirectory(replica.toString())).withReadTimeout(timeout);
  }

  public static ReplicaOptions options(Path replica) {
    return options(replica, Duration.ofSeconds(20));
  }

  /** Waits until something holds that a follower brings about, at most 20 seconds. */
  public static void await(BooleanSupplier condition) {
    Deadline deadline = Deadline.after(Duration.ofSeconds(20), System::nanoTime);
    while (!condition.getAsBoolean()) {
      assertFalse(deadline.hasPassed(), "nothing came of it");
      LockSupport.parkNanos(1_000_000);
    }
  }

  static byte[] page(Replica replica, View view, long pgno) throws IOException {
    ByteBuffer dst = ByteBuffer.allocate(view.pageSize());
    replica.read(view, pgno, dst);
    return dst.array();
  }

  public static Path file(Path replica, int level, long min, long max) {
    return replica.resolve(
        "ltx/" + level + "/" + new TxidRange(new Txid(min), new Txid(max)) + ".ltx");
  }

  /** Writes one LTX file into the replica, where it appears whole. */
  public static Path write(Path replica, int level, LtxHeader header, SortedMap<Long, byte[]> pages)
      throws IOException {
    Path path = file(replica, level, header.range().min().value(), header.range().max().value());
    Files.createDirectories(path.getParent());
    Path temporary = Path.of(path + ".tmp");
    try (OutputStream out = Files.newOutputStream(temporary);
        LtxEncoder encoder = new LtxEncoder(out, header)) {
      for (var page : pages.entrySet()) {
        encoder.page(page.getKey(), page.getValue());
      }
      encoder.finish();
    }
    return Files.move(temporary, path, StandardCopyOption.ATOMIC_MOVE);
  }

  public static LtxHeader header(int pageSize, long commit, long min, long max) {
    return LtxHeader.of(
        pageSize, commit, new TxidRange(new Txid(min), new Txid(max)), 1_790_000_000_000L + max);
  }

  public static String sha256(byte[] bytes) {
    try {
      return HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(bytes));
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException(e);
    }
  }
}
