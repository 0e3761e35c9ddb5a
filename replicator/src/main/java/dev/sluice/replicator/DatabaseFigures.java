package dev.sluice.replicator;

import dev.sluice.replicator.capture.CheckpointFigures;
import dev.sluice.replicator.levels.LevelFigures;
import dev.sluice.storage.RequestMeter;
import java.time.Duration;

/**
 * What the replication of one database has done since it began. Immutable.
 *
 * @param capturedFrames frames taken from its WAL
 * @param captures how often some were taken
 * @param captureTime what that took
 * @param troubles how often it could not go on; each new reason counts
 * @param checkpoints since it was opened last
 * @param repairs how often the database was compared with what was captured, since it was opened
 *     last
 * @param requests to its storage, each attempt
 */
public record DatabaseFigures(
    long capturedFrames,
    long captures,
    Duration captureTime,
    long troubles,
    CheckpointFigures checkpoints,
    long repairs,
    RequestMeter.Snapshot requests,
    LevelFigures levels) {}
