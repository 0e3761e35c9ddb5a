/**
 * What the tests of every module need: golden replicas, an S3-compatible server, faults on the
 * socket.
 */
@NullMarked
package dev.sluice.testkit;

import org.jspecify.annotations.NullMarked;
