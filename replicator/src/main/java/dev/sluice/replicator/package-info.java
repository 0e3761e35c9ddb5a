/** Replicates live SQLite databases: the engine behind {@code sluice replicate}. */
@NullMarked
package dev.sluice.replicator;

import org.jspecify.annotations.NullMarked;
