package dev.sluice.replicator;

import dev.sluice.replicator.capture.CheckpointFigures;
import dev.sluice.replicator.capture.DatabaseCapture;
import dev.sluice.replicator.levels.LevelFigures;
import dev.sluice.storage.MeteringReplicaClient;
import dev.sluice.storage.ReplicaClient;
import dev.sluice.storage.RequestMeter;
import java.time.Duration;
import java.util.concurrent.atomic.LongAdder;

/** Counts what is done for one database. Thread-safe. */
final class Counters {
  private final RequestMeter requests = new RequestMeter();
  private final LongAdder frames = new LongAdder();
  private final LongAdder captures = new LongAdder();
  private final LongAdder captureNanos = new LongAdder();
  private final LongAdder troubles = new LongAdder();
  private volatile CheckpointFigures checkpoints = CheckpointFigures.NONE;
  private volatile long repairs;

  /** Returns a client whose requests count. */
  ReplicaClient metered(ReplicaClient client) {
    return new MeteringReplicaClient(client, requests);
  }

  /** Counts a look at the WAL, if it took something. */
  void captured(long frameCount, long nanos) {
    if (frameCount > 0) {
      frames.add(frameCount);
      captures.increment();
      captureNanos.add(nanos);
    }
  }

  void troubled() {
    troubles.increment();
  }

  /** Keeps what a capture counts itself; to be called by whom it is confined to. */
  void seen(DatabaseCapture capture) {
    checkpoints = capture.checkpoints();
    repairs = capture.repairs();
  }

  DatabaseFigures figures(LevelFigures levels) {
    return new DatabaseFigures(
        frames.sum(),
        captures.sum(),
        Duration.ofNanos(captureNanos.sum()),
        troubles.sum(),
        checkpoints,
        repairs,
        requests.snapshot(),
        levels);
  }
}
