/** The present and the past as two data sources. */
@NullMarked
package dev.sluice.examples.jdbi;

import org.jspecify.annotations.NullMarked;
