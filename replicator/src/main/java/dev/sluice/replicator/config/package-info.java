/** What is to be replicated where, and how, as {@code litestream.yml} says it. */
@NullMarked
package dev.sluice.replicator.config;

import org.jspecify.annotations.NullMarked;
