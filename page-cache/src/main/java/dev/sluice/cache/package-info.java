/**
 * What one process has of a replica: page maps, views, the page cache, and the opening that fills
 * them.
 */
@NullMarked
package dev.sluice.cache;

import org.jspecify.annotations.NullMarked;
