/** The command line as a person meets it: rows, lines on stderr, exit codes. */
@NullMarked
package dev.sluice.cli;

import org.jspecify.annotations.NullMarked;
