/** Tests of S3 replicas. */
@NullMarked
package dev.sluice.storage.s3;

import org.jspecify.annotations.NullMarked;
