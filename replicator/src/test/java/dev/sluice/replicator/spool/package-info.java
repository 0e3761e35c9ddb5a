/** Tests of the spool, crashes among them. */
@NullMarked
package dev.sluice.replicator.spool;

import org.jspecify.annotations.NullMarked;
