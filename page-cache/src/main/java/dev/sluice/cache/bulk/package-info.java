/**
 * Reads whole files of a replica in parallel, verified, for whoever takes their pages: not for
 * single pages, and it knows nothing of what becomes of them.
 */
@NullMarked
package dev.sluice.cache.bulk;

import org.jspecify.annotations.NullMarked;
