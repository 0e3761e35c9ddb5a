/** Tests of what brings files into replicas. */
@NullMarked
package dev.sluice.replicator.upload;

import org.jspecify.annotations.NullMarked;
