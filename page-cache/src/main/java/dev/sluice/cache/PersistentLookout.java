package dev.sluice.cache;

import dev.sluice.storage.Deadline;
import dev.sluice.storage.LtxFile;
import dev.sluice.storage.ReplicaClient;
import dev.sluice.storage.Retries;
import java.io.IOException;
import java.time.Duration;
import java.util.List;

/**
 * Looks as another lookout does, and tries again within the look's deadline what fails or hangs, so
 * that a storage that answers again is noticed before the next look. A listing that is slow but
 * healthy has the whole of that time.
 */
final class PersistentLookout implements Lookout {
  private static final Duration NO_LIMIT = Duration.ofHours(1);

  private final Lookout inner;
  private final Retries retries;

  PersistentLookout(Lookout inner, Retries retries) {
    this.inner = inner;
    this.retries = retries.withAttemptLimit(NO_LIMIT);
  }

  @Override
  public News look(ReplicaClient client, Deadline deadline) throws IOException {
    return inner.look(retries.until(deadline, client), deadline);
  }

  @Override
  public News lookAtAll(ReplicaClient client, Deadline deadline) throws IOException {
    return inner.lookAtAll(retries.until(deadline, client), deadline);
  }

  @Override
  public void learn(List<LtxFile> files, boolean isComplete) {
    inner.learn(files, isComplete);
  }
}
