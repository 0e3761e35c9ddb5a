/** Runs what a configuration says: its databases, and those that its directories hold. */
@NullMarked
package dev.sluice.replicator.daemon;

import org.jspecify.annotations.NullMarked;
