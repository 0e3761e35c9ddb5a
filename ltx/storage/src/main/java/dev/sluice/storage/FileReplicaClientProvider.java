package dev.sluice.storage;

import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.Set;

/** Makes clients for replicas in directories. */
final class FileReplicaClientProvider implements ReplicaClientProvider {

  @Override
  public Set<String> schemes() {
    return Set.of(ReplicaUrl.FILE);
  }

  @Override
  public ReplicaClient open(ReplicaUrl url, Environment environment) {
    if (!url.query().isEmpty()) {
      throw new IllegalArgumentException(
          url.location()
              + ": file: takes no query (given: "
              + String.join(", ", url.query().keySet())
              + ")");
    }
    try {
      return new FileReplicaClient(Path.of(url.path()), url.location());
    } catch (InvalidPathException e) {
      throw new IllegalArgumentException(url.location() + ": not a path: " + e.getReason(), e);
    }
  }
}
