/** A pool of connections to one replica. */
@NullMarked
package dev.sluice.examples.hikaricp;

import org.jspecify.annotations.NullMarked;
