package dev.sluice.replicator;

import dev.sluice.replicator.levels.LevelStep;
import dev.sluice.replicator.spool.SpoolStep;
import dev.sluice.replicator.upload.UploadStep;

/**
 * Who hears of each moment at which a crash would leave something else behind. Immutable.
 *
 * @param spool of the local files
 * @param uploads of what the replica gets
 * @param levels of its upkeep
 */
record Steps(SpoolStep.Listener spool, UploadStep.Listener uploads, LevelStep.Listener levels) {
  static final Steps UNHEARD = new Steps(step -> {}, step -> {}, step -> {});
}
