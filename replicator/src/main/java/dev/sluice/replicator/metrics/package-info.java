/** Tells monitoring systems how the replication goes: metrics, health, a heartbeat. */
@NullMarked
package dev.sluice.replicator.metrics;

import org.jspecify.annotations.NullMarked;
