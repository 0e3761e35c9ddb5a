package dev.sluice.cli;

import dev.sluice.cache.ReplicaOptions;
import dev.sluice.cache.StoreOptions;
import dev.sluice.storage.Environment;
import dev.sluice.storage.ReplicaUrl;
import java.nio.file.Path;

/** Where the page store of a replica is on this host, by the environment alone. */
final class StoreArgument {
  private static final String HYDRATION_PATH = "LITESTREAM_HYDRATION_PATH";

  private StoreArgument() {}

  static ReplicaOptions options(ReplicaUrl url) {
    ReplicaOptions options = ReplicaOptions.of(url);
    return Environment.ofProcess()
        .get(HYDRATION_PATH)
        .filter(path -> !path.isBlank())
        .map(path -> StoreOptions.DEFAULT.withPath(Path.of(path).toAbsolutePath()))
        .map(options::withStore)
        .orElse(options);
  }
}
