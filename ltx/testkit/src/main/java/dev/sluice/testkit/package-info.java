/**
 * What the tests of every module share: golden replicas, an S3-compatible server, and faults on
 * sockets.
 */
@NullMarked
package dev.sluice.testkit;

import org.jspecify.annotations.NullMarked;
