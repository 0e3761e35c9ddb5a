/** Tests of reading WALs that SQLite wrote. */
@NullMarked
package dev.sluice.replicator.wal;

import org.jspecify.annotations.NullMarked;
