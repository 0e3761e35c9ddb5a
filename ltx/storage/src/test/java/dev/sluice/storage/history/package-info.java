/**
 * Replicas in memory with a history that is known page by page: what a follower sees of a primary,
 * at the speed of a test.
 */
@NullMarked
package dev.sluice.storage.history;

import org.jspecify.annotations.NullMarked;
