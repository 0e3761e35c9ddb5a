/** Captures the commits of a live SQLite database beside the application that makes them. */
@NullMarked
package dev.sluice.replicator.capture;

import org.jspecify.annotations.NullMarked;
