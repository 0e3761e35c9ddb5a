/** Tests of metrics, health and the heartbeat. */
@NullMarked
package dev.sluice.replicator.metrics;

import org.jspecify.annotations.NullMarked;
