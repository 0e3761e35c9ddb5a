package dev.sluice.replicator.config;

/**
 * A value that was given, and the line of its key. Immutable.
 *
 * @param line of the expanded text
 */
record Setting<T>(T value, int line) {}
