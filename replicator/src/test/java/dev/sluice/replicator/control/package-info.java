/** Tests of the daemon's control socket. */
@NullMarked
package dev.sluice.replicator.control;

import org.jspecify.annotations.NullMarked;
