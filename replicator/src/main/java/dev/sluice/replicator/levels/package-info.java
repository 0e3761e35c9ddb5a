/** What a replica holds, level by level, and its upkeep: compaction, snapshots, retention. */
@NullMarked
package dev.sluice.replicator.levels;

import org.jspecify.annotations.NullMarked;
