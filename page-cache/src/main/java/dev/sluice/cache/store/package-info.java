/**
 * The local page store of one replica: which pages lie in its files, by which tag readers in C may
 * have them, and what is left of it after a restart. Knows nothing of views and of where pages come
 * from.
 */
@NullMarked
package dev.sluice.cache.store;

import org.jspecify.annotations.NullMarked;
