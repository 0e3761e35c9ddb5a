/** Brings what was cut into the replica, in TXID order. */
@NullMarked
package dev.sluice.replicator.upload;

import org.jspecify.annotations.NullMarked;
