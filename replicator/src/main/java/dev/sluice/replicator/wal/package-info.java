/** SQLite's write-ahead log as a file of frames: what it says, and how much of it is proved. */
@NullMarked
package dev.sluice.replicator.wal;

import org.jspecify.annotations.NullMarked;
