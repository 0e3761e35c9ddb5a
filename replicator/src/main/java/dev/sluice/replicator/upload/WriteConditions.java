package dev.sluice.replicator.upload;

import dev.sluice.storage.ReplicaClient;
import dev.sluice.storage.ReplicaException;
import dev.sluice.storage.SideObjects;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.UUID;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Finds out whether a storage keeps the promise that everything rests on: that a file which exists
 * already is not written again. Some that speak S3's protocol take the condition and ignore it.
 */
public final class WriteConditions {
  private static final Logger log = LoggerFactory.getLogger(WriteConditions.class);
  private static final String FOLDER = "sluice/probe-";
  private static final byte[] CONTENT =
      "Written by Sluice to learn whether If-None-Match is kept; may be deleted.\n"
          .getBytes(StandardCharsets.US_ASCII);

  private WriteConditions() {}

  /** The storage ignores conditions: two writers could overwrite each other's files. */
  public static final class IgnoredException extends IOException {
    private static final long serialVersionUID = 1L;

    IgnoredException(String location) {
      super(
          location
              + ": this storage ignores conditional writes, so a second writer would not be"
              + " noticed; unsafe-no-conditional-writes: true says that nobody else writes here");
    }
  }

  /**
   * Writes an object that nobody looks at twice, and deletes it.
   *
   * @throws IgnoredException if the second write succeeds
   * @throws ReplicaException if the storage does not answer: nothing is known
   */
  public static void probe(ReplicaClient client, CallLimit limit) throws IOException {
    SideObjects objects = client.objects();
    String name = FOLDER + UUID.randomUUID();
    String what = "probe conditional writes of " + client.location();
    try {
      String unused = limit.awaitWrite(objects.create(name, CONTENT), what);
    } catch (ReplicaException.OutcomeUnknown e) {
      remove(client, limit, name);
      throw e;
    }
    boolean isKept = false;
    try {
      String unused = limit.awaitWrite(objects.create(name, CONTENT), what);
    } catch (ReplicaException.Conflict e) {
      isKept = true;
    } finally {
      remove(client, limit, name);
    }
    if (!isKept) {
      throw new IgnoredException(client.location());
    }
  }

  /** One that cannot be deleted hides nothing of what was learned. */
  private static void remove(ReplicaClient client, CallLimit limit, String name)
      throws IOException {
    String what = "delete " + client.location() + "/" + name;
    try {
      limit.awaitWrite(client.objects().delete(name), what);
    } catch (ReplicaException e) {
      log.info("{}: it stays, and may be deleted: {}", what, e.getMessage());
    }
  }
}
