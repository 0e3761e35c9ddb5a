/** What happens to replicas as meters of Micrometer, for applications that have it. */
@NullMarked
package dev.sluice.vfs.micrometer;

import org.jspecify.annotations.NullMarked;
