/** The daemon as its configuration has it run. */
@NullMarked
package dev.sluice.replicator.daemon;

import org.jspecify.annotations.NullMarked;
