/** Processes that write, replicate and die at random, and the proof that no TXID is wrong. */
@NullMarked
package dev.sluice.soak;

import org.jspecify.annotations.NullMarked;
