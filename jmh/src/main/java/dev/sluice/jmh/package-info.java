/**
 * Benchmarks, each beside its baseline; run by the scripts in {@code jmh/bench}. Never published.
 */
@NullMarked
package dev.sluice.jmh;

import org.jspecify.annotations.NullMarked;
