/** LTX files as values: codec, page index, checksums, TXIDs and their ranges. */
@NullMarked
package dev.sluice.ltx;

import org.jspecify.annotations.NullMarked;
