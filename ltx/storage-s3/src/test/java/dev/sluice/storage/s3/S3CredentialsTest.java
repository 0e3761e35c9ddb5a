package dev.sluice.storage.s3;

import static java.util.concurrent.TimeUnit.SECONDS;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sluice.ltx.Txid;
import dev.sluice.storage.ReplicaClient;
import dev.sluice.storage.ReplicaException;
import dev.sluice.storage.ReplicaUrl;
import dev.sluice.testkit.FaultProxy;
import dev.sluice.testkit.FaultProxy.Fault;
import dev.sluice.testkit.S3Server;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * The SDK's own chain, when the environment names no credentials; its settings are system
 * properties of this JVM.
 */
final class S3CredentialsTest {
  private static final String FILE = "aws.sharedCredentialsFile";
  private static final String CONFIG = "aws.configFile";
  private static final String NO_METADATA = "aws.disableEc2Metadata";
  private static final String METADATA = "aws.ec2MetadataServiceEndpoint";

  private final S3Server server = S3Server.shared();
  private final String bucket = server.createBucket();

  @BeforeEach
  void hideTheCredentialsOfThisMachine(@TempDir Path empty) {
    Assumptions.assumeTrue(
        System.getenv("AWS_ACCESS_KEY_ID") == null, "the chain reads the process's variables");
    System.setProperty(FILE, empty.resolve("none").toString());
    System.setProperty(CONFIG, empty.resolve("none").toString());
  }

  @AfterEach
  void restore() {
    for (String property : new String[] {FILE, CONFIG, NO_METADATA, METADATA}) {
      System.clearProperty(property);
    }
  }

  private ReplicaClient client() {
    ReplicaUrl url = ReplicaUrl.parse("s3://" + bucket + "/db?endpoint=" + server.endpoint());
    return S3ReplicaClient.open(url, S3TestEnvironment.of(Map.of()));
  }

  @Test
  void withoutCredentialsACallIsDenied() {
    System.setProperty(NO_METADATA, "true");
    try (ReplicaClient client = client()) {
      CompletableFuture<?> call = client.list(0, Txid.FIRST);
      ExecutionException e = assertThrows(ExecutionException.class, () -> call.get(20, SECONDS));
      ReplicaException.Denied denied =
          assertInstanceOf(ReplicaException.Denied.class, e.getCause());
      assertTrue(denied.toString().contains("no credentials found"), denied.getMessage());
    }
  }

  @Test
  void aMetadataServiceThatHangsBlocksNeitherTheCallerNorItsCancellation() throws Exception {
    try (FaultProxy metadata = FaultProxy.before(server.endpoint())) {
      metadata.inject(request -> true, new Fault.Hang());
      System.setProperty(METADATA, metadata.endpoint().toString());
      try (ReplicaClient client = client()) {
        CompletableFuture<?> call = client.list(0, Txid.FIRST);
        metadata.await(proxy -> !proxy.log().isEmpty(), Duration.ofSeconds(20));
        assertEquals(0, metadata.log().get(0).status());
        call.cancel(true);
        assertTrue(call.isCancelled());
      }
    }
  }
}
