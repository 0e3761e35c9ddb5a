/** The command line: what a person types, what they see, and how a failure reads. */
@NullMarked
package dev.sluice.cli;

import org.jspecify.annotations.NullMarked;
