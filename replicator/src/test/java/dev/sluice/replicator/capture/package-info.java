@NullMarked
package dev.sluice.replicator.capture;

import org.jspecify.annotations.NullMarked;
