package dev.sluice.storage;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Objects;

/** The contract, in a directory of the layout that Litestream writes. */
class FileReplicaClientTest extends ReplicaClientContract {

  @Override
  protected ReplicaClient openClient() {
    return ReplicaClients.open(
        ReplicaUrl.ofDirectory(root().toString()), name -> java.util.Optional.empty());
  }

  @Override
  protected Layout layout() {
    return Layout.DIRECTORY;
  }

  @Override
  protected void put(String key, byte[] content) throws Exception {
    Path path = root().resolve(key);
    Files.createDirectories(Objects.requireNonNull(path.getParent()));
    Files.write(path, content);
  }

  @Override
  protected String threadName() {
    return "replica file:";
  }

  private Path root() {
    return temporary.resolve("replica");
  }
}
