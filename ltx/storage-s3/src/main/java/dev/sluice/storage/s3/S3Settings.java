package dev.sluice.storage.s3;

import dev.sluice.storage.Environment;
import dev.sluice.storage.ReplicaUrl;
import java.util.Optional;

/**
 * Everything that an {@code s3:} URL and the environment say about one replica's place. Immutable.
 *
 * @param bucket a bucket's name or an access point's ARN
 * @param region the region that was named; empty if none was
 * @param endpoint an S3-compatible server, or empty for AWS
 * @param isPathStyle whether the bucket stands in the path and not in the host name
 * @param skipVerify whether any TLS certificate is accepted
 * @param partBytes files of this size or more are written in parts of this size
 * @param partsAtOnce how many parts of one file are on their way at once
 */
record S3Settings(
    String bucket,
    Optional<String> region,
    Optional<S3Endpoint> endpoint,
    boolean isPathStyle,
    boolean skipVerify,
    boolean signPayload,
    boolean requireContentMd5,
    Optional<String> storageClass,
    long partBytes,
    int partsAtOnce,
    S3Encryption encryption) {

  static final String DEFAULT_REGION = "us-east-1";

  private static final long PART_BYTES_MIN = 5 << 20;
  private static final long PART_BYTES_MAX = 5L << 30;
  private static final int PARTS_AT_ONCE_MAX = 10_000;
  private static final int PARTS_AT_ONCE = 5;
  private static final int PARTS_AT_ONCE_R2 = 2;

  /**
   * Returns the settings of a URL.
   *
   * @throws IllegalArgumentException if a part of it cannot be used
   */
  static S3Settings of(ReplicaUrl url, Environment environment) {
    if (url.userInfo().isPresent()) {
      throw new IllegalArgumentException(
          "s3: credentials do not belong in the URL; set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY");
    }
    S3Query query = new S3Query(url.query());
    S3Host host = S3Host.of(url.host(), url.port());
    Optional<String> given = query.text(S3Query.ENDPOINT).or(host::endpoint);
    boolean isGivenByQuery = query.text(S3Query.ENDPOINT).isPresent();
    Optional<String> fromEnvironment =
        given.isPresent()
            ? Optional.empty()
            : environment.get("LITESTREAM_S3_ENDPOINT").filter(e -> !e.isEmpty());
    Optional<S3Endpoint> endpoint = given.or(() -> fromEnvironment).map(S3Endpoint::parse);
    boolean isPathStyle = isGivenByQuery || fromEnvironment.isPresent() || host.isPathStyle();
    boolean isTigris = endpoint.map(S3Endpoint::isTigris).orElse(false);
    boolean isR2 = endpoint.map(S3Endpoint::isCloudflareR2).orElse(false);
    boolean isPathStyleMeant = query.flag(S3Query.FORCE_PATH_STYLE).orElse(isPathStyle);
    Optional<String> region = query.text(S3Query.REGION).or(host::region);
    region.ifPresent(S3Names::checkRegion);
    S3Names.checkBucket(host.bucket(), isPathStyleMeant);
    return new S3Settings(
        host.bucket(),
        region,
        endpoint,
        isPathStyleMeant,
        query.flag(S3Query.SKIP_VERIFY).orElse(false),
        query.flag(S3Query.SIGN_PAYLOAD).orElse(true),
        query.flag(S3Query.REQUIRE_CONTENT_MD5).orElse(!isTigris),
        query.text(S3Query.STORAGE_CLASS),
        query.number(S3Query.PART_SIZE, PART_BYTES_MIN, PART_BYTES_MAX).orElse(PART_BYTES_MIN),
        Math.toIntExact(
            query
                .number(S3Query.CONCURRENCY, 1, PARTS_AT_ONCE_MAX)
                .orElse((long) (isR2 ? PARTS_AT_ONCE_R2 : PARTS_AT_ONCE))),
        encryption(query, endpoint));
  }

  private static S3Encryption encryption(S3Query query, Optional<S3Endpoint> endpoint) {
    Optional<String> customerKey = query.text(S3Query.SSE_CUSTOMER_KEY);
    Optional<String> kmsKeyId = query.text(S3Query.SSE_KMS_KEY_ID);
    if (customerKey.isPresent() && kmsKeyId.isPresent()) {
      throw new IllegalArgumentException(
          "s3: sse-customer-key and sse-kms-key-id exclude each other");
    }
    if (customerKey.isEmpty()) {
      return kmsKeyId.<S3Encryption>map(S3Encryption.Kms::new).orElse(new S3Encryption.None());
    }
    if (endpoint.isPresent() && !endpoint.get().isEncrypted() && !endpoint.get().isLocal()) {
      throw new IllegalArgumentException("s3: sse-customer-key needs an https endpoint");
    }
    return S3Encryption.CustomerKey.of(
        query.text(S3Query.SSE_CUSTOMER_ALGORITHM),
        customerKey.get(),
        query.text(S3Query.SSE_CUSTOMER_KEY_MD5));
  }
}
