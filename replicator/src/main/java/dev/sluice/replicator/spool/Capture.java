package dev.sluice.replicator.spool;

import dev.sluice.replicator.wal.WalEnd;

/**
 * What an append took into the log. Immutable.
 *
 * @param frames how many frames were added
 * @param end why it ended; frames before that are taken in any case
 */
public record Capture(long frames, WalEnd end) {}
