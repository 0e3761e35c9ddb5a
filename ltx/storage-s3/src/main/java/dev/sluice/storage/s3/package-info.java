/** Replicas in S3 and in what speaks its protocol, through the AWS SDK's asynchronous client. */
@NullMarked
package dev.sluice.storage.s3;

import org.jspecify.annotations.NullMarked;
