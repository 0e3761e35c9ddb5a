package dev.sluice.cache;

import dev.sluice.storage.LtxFile;
import dev.sluice.storage.ReplicaClient;
import dev.sluice.storage.RequestMeter;

/**
 * Where the pages of a replica come from, and what this process keeps of it. Thread-safe.
 *
 * @param client makes one attempt for each call, or tries again until a deadline: whoever uses it
 *     says which
 */
record Source(
    ReplicaClient client,
    RequestMeter meter,
    FileTable files,
    FrameCache cache,
    Fingerprints fingerprints) {

  /** Returns the same with another client of the same storage. */
  Source with(ReplicaClient other) {
    return new Source(other, meter, files, cache, fingerprints);
  }

  String location() {
    return client.location();
  }

  String location(LtxFile file) {
    return client.location(file.name());
  }
}
