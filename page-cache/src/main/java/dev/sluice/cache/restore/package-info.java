/** A replica written back into one database file. */
@NullMarked
package dev.sluice.cache.restore;

import org.jspecify.annotations.NullMarked;
