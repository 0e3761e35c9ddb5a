package dev.sluice.storage.s3;

import static java.util.concurrent.TimeUnit.SECONDS;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sluice.ltx.Txid;
import dev.sluice.ltx.TxidRange;
import dev.sluice.storage.Environment;
import dev.sluice.storage.LtxFileName;
import dev.sluice.storage.ReplicaException;
import dev.sluice.storage.ReplicaUrl;
import dev.sluice.testkit.FaultProxy;
import dev.sluice.testkit.S3Server;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.LinkedBlockingQueue;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What becomes of a local file between a call and its requests, each of which the test starts. */
final class S3WriterTest {
  private static final LtxFileName NAME = new LtxFileName(0, new TxidRange(Txid.FIRST, Txid.FIRST));

  @TempDir Path temporary;

  private final S3Server server = S3Server.shared();
  private final FaultProxy proxy = FaultProxy.before(server.endpoint());
  private final String bucket = server.createBucket();
  private final BlockingQueue<Runnable> starts = new LinkedBlockingQueue<>();
  private final Environment environment = S3TestEnvironment.withCredentials();
  private final S3Settings settings =
      S3Settings.of(
          ReplicaUrl.parse("s3://" + bucket + "/db?endpoint=" + proxy.endpoint()), environment);
  private final S3Connection connection = S3Connection.open(settings, environment);
  private final S3Writer writer =
      new S3Writer(
          connection.client(),
          new S3Objects(settings),
          new S3Requests(new S3Failures(settings), starts::add));

  @AfterEach
  void close() {
    connection.close();
    proxy.close();
  }

  private CompletableFuture<?> write(Path content) throws Exception {
    long size = Files.size(content);
    return writer.create(
        "write it", new S3Writer.Source(NAME, "db/k", content, size, Instant.EPOCH, bytes -> {}));
  }

  private void startNext() throws Exception {
    starts.poll(20, SECONDS).run();
  }

  private static void isDenied(CompletableFuture<?> call) {
    ExecutionException e = assertThrows(ExecutionException.class, () -> call.get(20, SECONDS));
    ReplicaException.Denied denied =
        assertInstanceOf(ReplicaException.Denied.class, e.getCause(), e.toString());
    assertTrue(
        String.valueOf(denied.getMessage()).startsWith("write it: the local file"),
        denied.getMessage());
  }

  @Test
  void aFileThatIsGoneBeforeItIsSentIsDenied() throws Exception {
    Path content = Files.write(temporary.resolve("small"), new byte[1000]);
    CompletableFuture<?> call = write(content);
    Files.delete(content);
    startNext();
    isDenied(call);
    assertEquals(0, proxy.log().size());
  }

  @Test
  void aFileThatIsShorterBeforeItIsSentIsDenied() throws Exception {
    Path content = Files.write(temporary.resolve("small"), new byte[1000]);
    CompletableFuture<?> call = write(content);
    Files.write(content, new byte[10]);
    startNext();
    isDenied(call);
    assertEquals(0, proxy.log().size());
  }

  @Test
  void aLargeFileThatIsGoneBeforeItsPartsAreSentIsDenied() throws Exception {
    Path content = Files.write(temporary.resolve("large"), new byte[6_000_000]);
    CompletableFuture<?> call = write(content);
    startNext();
    Runnable firstPart = starts.poll(20, SECONDS);
    Files.delete(content);
    firstPart.run();
    isDenied(call);
    assertEquals(0, proxy.count("PUT"));
  }
}
