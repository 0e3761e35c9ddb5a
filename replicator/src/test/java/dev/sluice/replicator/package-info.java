/** Databases that are written, replicated and read back. */
@NullMarked
package dev.sluice.replicator;

import org.jspecify.annotations.NullMarked;
