/** What is captured and not yet safe elsewhere: the log of frames and the LTX files cut from it. */
@NullMarked
package dev.sluice.replicator.spool;

import org.jspecify.annotations.NullMarked;
