package dev.sluice.vfs;

import java.util.function.BooleanSupplier;

/**
 * What is asked for when SQLite opens a file. Immutable.
 *
 * @param isUnlocked whether SQLite will take no lock ({@code immutable=1}, {@code nolock=1}): the
 *     view must then never move
 * @param isInterrupted says whether the connection was interrupted that waits in a call for this
 *     file; asked on the thread of that call only
 */
record OpenRequest(
    ReplicaParameters parameters, boolean isUnlocked, BooleanSupplier isInterrupted) {}
