/** Tests of the upkeep of replicas. */
@NullMarked
package dev.sluice.replicator.levels;

import org.jspecify.annotations.NullMarked;
