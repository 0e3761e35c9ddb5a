package dev.sluice.replicator.levels;

import java.nio.file.Path;
import java.time.InstantSource;
import java.util.function.LongSupplier;

/**
 * What the upkeep of one replica is given. Immutable.
 *
 * @param directory where its one temporary file lies, as large as its output; made if it is needed
 * @param local files that need not be fetched
 * @param clock tells when a file was stored, and the time of a snapshot
 * @param ticker nanoseconds that nobody sets, as {@link System#nanoTime}: tells that the clock was
 * @param steps hears of each step
 */
public record LevelSetup(
    LevelSettings settings,
    Path directory,
    LocalFiles local,
    InstantSource clock,
    LongSupplier ticker,
    LevelStep.Listener steps) {}
