package dev.sluice.replicator.levels;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.sluice.replicator.upload.CallLimit;
import dev.sluice.replicator.upload.ReplicaWriter;
import dev.sluice.storage.ForwardingReplicaClient;
import dev.sluice.storage.LtxFile;
import dev.sluice.storage.ReplicaException;
import dev.sluice.storage.history.MemoryReplica;
import java.io.IOException;
import java.io.InputStream;
import java.time.Duration;
import java.time.Instant;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;

class RemoteInputTest {
  private static final int PIECE_BYTES = 1 << 20;
  private static final int BYTES_IN_TIME = 100_000;

  private final MemoryReplica replica = new MemoryReplica("mem:replica");

  /** A line that brings no more than so much in the time of a call. */
  private final class SlowLine extends ForwardingReplicaClient {
    SlowLine() {
      super(replica.open());
    }

    @Override
    public CompletableFuture<byte[]> read(LtxFile file, long offset, int length) {
      return length > BYTES_IN_TIME
          ? CompletableFuture.failedFuture(new ReplicaException.Unavailable("too slow"))
          : inner.read(file, offset, length);
    }
  }

  @Test
  void slowLineIsAskedForSmallerPieces() throws IOException {
    byte[] content = new byte[3 * PIECE_BYTES];
    new Random(1).nextBytes(content);
    LtxFile file = replica.put(Held.name("1:2-9"), content, Instant.EPOCH);
    ReplicaWriter line = new ReplicaWriter(new SlowLine(), new CallLimit(Duration.ofSeconds(20)));
    AtomicLong fetched = new AtomicLong();
    try (InputStream in = new RemoteInput(line, file, PIECE_BYTES, fetched::addAndGet)) {
      assertArrayEquals(content, in.readAllBytes());
    }
    assertEquals(content.length, fetched.get());
  }
}
