package dev.sluice.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sluice.cache.restore.CopyFollower;
import dev.sluice.cache.restore.Restorer;
import dev.sluice.ltx.Txid;
import dev.sluice.storage.ForwardingReplicaClient;
import dev.sluice.storage.LtxFile;
import dev.sluice.storage.ReplicaClient;
import dev.sluice.storage.ReplicaClients;
import dev.sluice.storage.ReplicaUrl;
import dev.sluice.storage.RequestMeter;
import java.io.IOException;
import java.io.InputStream;
import java.io.InterruptedIOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/** A follower that is stopped while the storage does not answer: long before its patience ends. */
final class RestoreFollowStopTest extends FollowedCopy {
  private static final long SOON_SECONDS = 5;

  private final CountDownLatch isHanging = new CountDownLatch(1);
  private volatile boolean isListHanging;
  private volatile boolean isTransferHanging;
  private volatile boolean isRangeHanging;

  /** Answers until it is told not to. */
  private final class Hanging extends ForwardingReplicaClient {

    Hanging(ReplicaClient client) {
      super(client);
    }

    @Override
    public CompletableFuture<List<LtxFile>> list(int level, Txid from) {
      if (isListHanging) {
        isHanging.countDown();
        return new CompletableFuture<>();
      }
      return super.list(level, from);
    }

    @Override
    public CompletableFuture<InputStream> open(LtxFile file) {
      return isTransferHanging
          ? CompletableFuture.completedFuture(new HangingStream())
          : super.open(file);
    }

    @Override
    public CompletableFuture<byte[]> read(LtxFile file, long offset, int length) {
      if (isRangeHanging) {
        isHanging.countDown();
        return new CompletableFuture<>();
      }
      return super.read(file, offset, length);
    }
  }

  private final class HangingStream extends InputStream {
    @Override
    public int read() throws IOException {
      isHanging.countDown();
      try {
        new CountDownLatch(1).await();
        return -1;
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
        throw new InterruptedIOException();
      }
    }

    @Override
    public int read(byte[] dst, int offset, int length) throws IOException {
      return read();
    }
  }

  private interface Step {
    void run(CopyFollower follower) throws Exception;
  }

  private void requireStopsSoon(Step before, Step stopped) throws Exception {
    try (ReplicaClient client =
            new Hanging(
                ReplicaClients.open(
                    ReplicaUrl.parse(primary.replica().toString()), name -> Optional.empty()));
        Restorer restorer = new Restorer(client, new RequestMeter(), PATIENCE)) {
      CopyFollower follower =
          new CopyFollower(
              client, restorer, copy, new CopyFollower.Setup(PATIENCE, new CountDownLatch(1)));
      before.run(follower);
      CompletableFuture<Boolean> done =
          CompletableFuture.supplyAsync(
              () -> {
                try {
                  stopped.run(follower);
                  return Thread.currentThread().isInterrupted();
                } catch (Exception e) {
                  throw new IllegalStateException(e);
                }
              });
      assertTrue(isHanging.await(PATIENCE.toSeconds(), TimeUnit.SECONDS));
      assertFalse(done.isDone());
      assertNoTemporaries();
      follower.stop();
      assertFalse(done.get(SOON_SECONDS, TimeUnit.SECONDS), "still interrupted");
      stopped.run(follower); // nothing begins any more
      assertEquals(new Txid(1), follower.txid());
    }
    assertEquals(1, checkedState());
  }

  private void assertNoTemporaries() throws IOException {
    try (Stream<Path> files = Files.list(copy.resolveSibling(""))) {
      assertEquals(
          List.of(), files.filter(path -> path.toString().endsWith(".following")).toList());
    }
  }

  @Test
  void listingThatHangsIsBrokenOff() throws Exception {
    new Followed().begin().close();
    requireStopsSoon(
        follower -> {
          follower.resume();
          isListHanging = true;
        },
        CopyFollower::poll);
    assertOnlyCopyAndRecord();
  }

  /** A large file goes to the disk, where a kill must leave nothing of it. */
  @Test
  void transferThatHangsIsBrokenOff() throws Exception {
    new Followed().begin().close();
    primary.commit("INSERT INTO item (amount, filler) VALUES (0, randomblob(1500000))");
    requireStopsSoon(
        follower -> {
          follower.resume();
          isTransferHanging = true;
        },
        CopyFollower::poll);
    assertOnlyCopyAndRecord();
  }

  @Test
  void replacementThatHangsIsBrokenOff() throws Exception {
    new Followed().begin().close();
    change(new Random(1), 2);
    primary.commitImage("UPDATE state SET seq = 3");
    primary.delete(0, 1, 1);
    primary.delete(0, 2, 2);
    isRangeHanging = true;
    requireStopsSoon(follower -> {}, CopyFollower::resume);
    assertOnlyCopyAndRecord();
  }

  /** The server takes the connection and says nothing. */
  @Test
  void signalEndsAResumedFollowerWhoseStorageDoesNotAnswer() throws Exception {
    new Followed().begin().close();
    try (ServerSocket server = new ServerSocket(0, 50, InetAddress.getLoopbackAddress())) {
      server.setSoTimeout((int) PATIENCE.toMillis());
      ProcessBuilder builder =
          new ProcessBuilder(
                  Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                  "-XX:TieredStopAtLevel=1",
                  "-cp",
                  System.getProperty("java.class.path"),
                  Main.class.getName(),
                  "restore",
                  "-f",
                  "-o",
                  copy.toString(),
                  "s3://bucket/db?endpoint=http://127.0.0.1:"
                      + server.getLocalPort()
                      + "&region=us-east-1&force-path-style=true")
              .redirectError(ProcessBuilder.Redirect.INHERIT);
      builder.environment().put("AWS_ACCESS_KEY_ID", "key");
      builder.environment().put("AWS_SECRET_ACCESS_KEY", "secret");
      Process follower = builder.start();
      try (Socket asked = server.accept()) {
        assertTrue(asked.getInputStream().read() >= 0);
        follower.destroy();
        assertTrue(follower.waitFor(SOON_SECONDS, TimeUnit.SECONDS));
        assertEquals(ExitCode.DONE, follower.exitValue());
      } finally {
        follower.destroyForcibly();
      }
    }
    assertOnlyCopyAndRecord();
  }
}
