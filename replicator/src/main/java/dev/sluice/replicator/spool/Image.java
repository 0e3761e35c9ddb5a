package dev.sluice.replicator.spool;

import dev.sluice.replicator.wal.WalPosition;
import java.util.Optional;

/**
 * A state of the database that is known from elsewhere than the log: all of its pages, or those
 * that differ from the last cut. Immutable.
 *
 * @param pageSize a power of two, 512 to 65536
 * @param commit size of the database in pages
 * @param position how much of the WAL the state contains; empty if there is no WAL
 * @param pages ascending
 */
public record Image(int pageSize, long commit, Optional<WalPosition> position, PageSource pages) {}
