/** A replica through nothing but JDBC. */
@NullMarked
package dev.sluice.examples.plainjdbc;

import org.jspecify.annotations.NullMarked;
