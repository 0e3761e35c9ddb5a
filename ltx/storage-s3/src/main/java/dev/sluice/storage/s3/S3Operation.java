package dev.sluice.storage.s3;

/**
 * What one call is about, for its failures. Immutable.
 *
 * @param text what is being done with which place, without secrets: {@code read
 *     s3://b/db/0000/...ltx offset=8 length=4096}
 * @param name the operation's name in S3
 * @param kind what a failure means to the caller
 */
record S3Operation(String text, String name, Kind kind) {

  enum Kind {
    /** Reads one object: it may be missing. */
    READ_OBJECT,
    /** Reads what is not one object: what is missing then is the bucket. */
    READ_BUCKET,
    /** Changes something: without an answer nobody knows whether it did. */
    WRITE
  }
}
