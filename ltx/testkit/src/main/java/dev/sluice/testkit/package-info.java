/**
 * What the tests of every module need: golden replicas, an S3-compatible server, faults on the
 * socket, the seed of what is random.
 */
@NullMarked
package dev.sluice.testkit;

import org.jspecify.annotations.NullMarked;
