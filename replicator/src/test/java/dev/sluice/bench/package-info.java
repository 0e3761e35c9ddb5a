/** What replication costs and how soon it is done, measured beside the real daemon. */
@NullMarked
package dev.sluice.bench;

import org.jspecify.annotations.NullMarked;
