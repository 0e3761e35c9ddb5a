package dev.sluice.replicator.levels;

import dev.sluice.storage.LtxFileName;
import java.nio.file.Path;
import java.util.Optional;

/** Says where this machine still has a file of the replica. Called on the thread of a run. */
@FunctionalInterface
public interface LocalFiles {

  /** Returns where the file lies; it may be gone by the time it is opened. */
  Optional<Path> find(LtxFileName name);
}
