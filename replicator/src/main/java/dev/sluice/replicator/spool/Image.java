package dev.sluice.replicator.spool;

import dev.sluice.replicator.wal.WalPosition;
import java.util.Optional;

/**
 * A state of the database that is known from elsewhere than the log. Immutable.
 *
 * @param pageSize a power of two, 512 to 65536
 * @param commit size of the database in pages
 * @param position how much of the WAL the state contains; empty if there is no WAL
 * @param pages all of them, ascending, without the lock page
 */
public record Image(int pageSize, long commit, Optional<WalPosition> position, PageSource pages) {}
