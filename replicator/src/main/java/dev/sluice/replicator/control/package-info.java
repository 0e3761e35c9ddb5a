/** Speaks HTTP with those who run the daemon: on its control socket, and for metrics. */
@NullMarked
package dev.sluice.replicator.control;

import org.jspecify.annotations.NullMarked;
