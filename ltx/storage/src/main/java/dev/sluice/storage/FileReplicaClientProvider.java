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
      // Messages say where a relative path led to.
      Path root = Path.of(url.path()).toAbsolutePath();
      return new FileReplicaClient(root, ReplicaUrl.ofDirectory(root.toString()).location());
    } catch (InvalidPathException e) {
      throw new IllegalArgumentException(url.location() + ": not a path: " + e.getReason(), e);
    }
  }
}
