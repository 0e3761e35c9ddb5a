@NullMarked
package dev.sluice.replicator.config;

import org.jspecify.annotations.NullMarked;
