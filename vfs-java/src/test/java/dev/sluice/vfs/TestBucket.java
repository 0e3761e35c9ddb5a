package dev.sluice.vfs;

import dev.sluice.testkit.GoldenFile;
import dev.sluice.testkit.S3Server;
import java.net.URI;
import java.util.List;

/**
 * A replica in a bucket of the shared S3-compatible server. Immutable.
 *
 * @param bucket a bucket of its own
 * @param endpoint the server, or a proxy before it
 */
record TestBucket(String bucket, URI endpoint) {
  private static final String PREFIX = "app/db";

  static {
    System.setProperty("aws.accessKeyId", S3Server.ACCESS_KEY_ID);
    System.setProperty("aws.secretAccessKey", S3Server.SECRET_ACCESS_KEY);
  }

  /** Returns a new bucket with these files in the layout of object stores. */
  static TestBucket of(List<GoldenFile> files) {
    S3Server server = S3Server.shared();
    TestBucket bucket = new TestBucket(server.createBucket(), server.endpoint());
    files.forEach(bucket::put);
    return bucket;
  }

  void put(GoldenFile file) {
    S3Server.shared().put(bucket, key(file), file.bytes());
  }

  void delete(GoldenFile file) {
    S3Server.shared().delete(bucket, key(file));
  }

  static String key(GoldenFile file) {
    return PREFIX + "/%04x/%s".formatted(file.level(), file.name());
  }

  /** Returns the same bucket behind a proxy. */
  TestBucket through(URI proxy) {
    return new TestBucket(bucket, proxy);
  }

  /** Returns the replica's URL, its query unencoded. */
  String url() {
    return url(bucket);
  }

  /** Returns the URL of the same path in a bucket of another name. */
  String url(String otherBucket) {
    return "s3://%s/%s?endpoint=%s&region=us-east-1&force-path-style=true"
        .formatted(otherBucket, PREFIX, endpoint);
  }
}
