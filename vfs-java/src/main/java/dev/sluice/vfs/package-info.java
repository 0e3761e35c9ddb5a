/**
 * Replicas as SQLite databases in this JVM: loads the native VFS, registers it, and answers its
 * misses.
 */
@NullMarked
package dev.sluice.vfs;

import org.jspecify.annotations.NullMarked;
