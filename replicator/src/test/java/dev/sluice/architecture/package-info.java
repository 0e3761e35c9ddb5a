/** The floors of the house, by package and by module: arrows point down only. */
@NullMarked
package dev.sluice.architecture;

import org.jspecify.annotations.NullMarked;
