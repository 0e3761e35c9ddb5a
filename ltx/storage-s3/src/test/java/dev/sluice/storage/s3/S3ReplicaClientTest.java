package dev.sluice.storage.s3;

import dev.sluice.storage.Layout;
import dev.sluice.storage.ReplicaClient;
import dev.sluice.storage.ReplicaClientContract;
import dev.sluice.storage.ReplicaClients;
import dev.sluice.storage.ReplicaUrl;
import dev.sluice.testkit.S3Server;

/** The contract against a real S3-compatible server, found through its scheme. */
final class S3ReplicaClientTest extends ReplicaClientContract {
  private final S3Server server = S3Server.shared();
  private final String bucket = server.createBucket();

  @Override
  protected ReplicaClient openClient() {
    return ReplicaClients.open(url(), S3TestEnvironment.withCredentials());
  }

  private ReplicaUrl url() {
    return ReplicaUrl.parse("s3://" + bucket + "/some/db?endpoint=" + server.endpoint());
  }

  @Override
  protected Layout layout() {
    return Layout.OBJECT_STORE;
  }

  @Override
  protected void put(String key, byte[] content) {
    server.put(bucket, "some/db/" + key, content);
  }

  /** The server of the tests looks at If-Match first and then writes; S3 itself is atomic. */
  @Override
  protected boolean replacesAtomically() {
    return false;
  }

  @Override
  protected String threadName() {
    return "s3-" + bucket + "-";
  }
}
