package dev.sluice.storage.s3;

import java.time.DateTimeException;
import java.time.Instant;
import java.time.OffsetDateTime;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import software.amazon.awssdk.services.s3.model.CompleteMultipartUploadRequest;
import software.amazon.awssdk.services.s3.model.CreateMultipartUploadRequest;
import software.amazon.awssdk.services.s3.model.GetObjectRequest;
import software.amazon.awssdk.services.s3.model.HeadObjectRequest;
import software.amazon.awssdk.services.s3.model.PutObjectRequest;
import software.amazon.awssdk.services.s3.model.ServerSideEncryption;
import software.amazon.awssdk.services.s3.model.UploadPartRequest;

/**
 * Requests that already carry what the settings say: bucket, storage class, encryption, time.
 * Immutable.
 */
record S3Objects(S3Settings settings) {
  /** The user metadata in which Litestream and we keep when a file was made. */
  static final String TIMESTAMP = "litestream-timestamp";

  /** Says that nothing may be stored under the name yet. */
  static final String IF_NONE = "*";

  GetObjectRequest.Builder get(String key) {
    GetObjectRequest.Builder get = GetObjectRequest.builder().bucket(settings.bucket()).key(key);
    if (settings.encryption() instanceof S3Encryption.CustomerKey sse) {
      get.sseCustomerAlgorithm(sse.algorithm())
          .sseCustomerKey(sse.key())
          .sseCustomerKeyMD5(sse.keyMd5());
    }
    return get;
  }

  HeadObjectRequest head(String key) {
    HeadObjectRequest.Builder head = HeadObjectRequest.builder().bucket(settings.bucket()).key(key);
    if (settings.encryption() instanceof S3Encryption.CustomerKey sse) {
      head.sseCustomerAlgorithm(sse.algorithm())
          .sseCustomerKey(sse.key())
          .sseCustomerKeyMD5(sse.keyMd5());
    }
    return head.build();
  }

  PutObjectRequest create(String key, Instant timestamp) {
    PutObjectRequest.Builder put = put(key).ifNoneMatch(IF_NONE).metadata(metadata(timestamp));
    settings.storageClass().ifPresent(put::storageClass);
    return put.build();
  }

  /** Returns a write without a condition, which the caller adds. */
  PutObjectRequest.Builder put(String key) {
    PutObjectRequest.Builder put = PutObjectRequest.builder().bucket(settings.bucket()).key(key);
    if (settings.encryption() instanceof S3Encryption.CustomerKey sse) {
      put.sseCustomerAlgorithm(sse.algorithm())
          .sseCustomerKey(sse.key())
          .sseCustomerKeyMD5(sse.keyMd5());
    } else if (settings.encryption() instanceof S3Encryption.Kms kms) {
      put.serverSideEncryption(ServerSideEncryption.AWS_KMS).ssekmsKeyId(kms.keyId());
    }
    return put;
  }

  CreateMultipartUploadRequest createInParts(String key, Instant timestamp) {
    CreateMultipartUploadRequest.Builder create =
        CreateMultipartUploadRequest.builder()
            .bucket(settings.bucket())
            .key(key)
            .metadata(metadata(timestamp));
    settings.storageClass().ifPresent(create::storageClass);
    if (settings.encryption() instanceof S3Encryption.CustomerKey sse) {
      create
          .sseCustomerAlgorithm(sse.algorithm())
          .sseCustomerKey(sse.key())
          .sseCustomerKeyMD5(sse.keyMd5());
    } else if (settings.encryption() instanceof S3Encryption.Kms kms) {
      create.serverSideEncryption(ServerSideEncryption.AWS_KMS).ssekmsKeyId(kms.keyId());
    }
    return create.build();
  }

  UploadPartRequest part(String key, String uploadId, int number) {
    UploadPartRequest.Builder part =
        UploadPartRequest.builder()
            .bucket(settings.bucket())
            .key(key)
            .uploadId(uploadId)
            .partNumber(number);
    if (settings.encryption() instanceof S3Encryption.CustomerKey sse) {
      part.sseCustomerAlgorithm(sse.algorithm())
          .sseCustomerKey(sse.key())
          .sseCustomerKeyMD5(sse.keyMd5());
    }
    return part.build();
  }

  CompleteMultipartUploadRequest.Builder complete(String key, String uploadId) {
    CompleteMultipartUploadRequest.Builder complete =
        CompleteMultipartUploadRequest.builder()
            .bucket(settings.bucket())
            .key(key)
            .uploadId(uploadId)
            .ifNoneMatch(IF_NONE);
    if (settings.encryption() instanceof S3Encryption.CustomerKey sse) {
      complete
          .sseCustomerAlgorithm(sse.algorithm())
          .sseCustomerKey(sse.key())
          .sseCustomerKeyMD5(sse.keyMd5());
    }
    return complete;
  }

  /**
   * Returns what a file's version is for an ETag, however the server writes it: without quotes,
   * without the mark of weakness that some proxies add. Empty if there is none.
   */
  static Optional<String> version(@Nullable String eTag) {
    if (eTag == null) {
      return Optional.empty();
    }
    String strong = eTag.startsWith("W/") ? eTag.substring(2) : eTag;
    boolean isQuoted = strong.length() >= 2 && strong.startsWith("\"") && strong.endsWith("\"");
    String bare = isQuoted ? strong.substring(1, strong.length() - 1) : strong;
    return Optional.of(bare).filter(version -> !version.isEmpty());
  }

  /** Returns the header value that a request for this version of a file carries. */
  static String ifMatch(String version) {
    return "\"" + version + "\"";
  }

  private static Map<String, String> metadata(Instant timestamp) {
    return Map.of(TIMESTAMP, timestamp.toString());
  }

  /**
   * Returns when a file was made: by its metadata, which some servers return under a name of
   * another case, else by its modification time.
   */
  static Instant created(Map<String, String> metadata, @Nullable Instant lastModified) {
    Optional<String> text =
        metadata.entrySet().stream()
            .filter(entry -> entry.getKey().toLowerCase(Locale.ROOT).equals(TIMESTAMP))
            .map(Map.Entry::getValue)
            .findFirst();
    Instant otherwise = lastModified == null ? Instant.EPOCH : lastModified;
    try {
      return text.map(time -> OffsetDateTime.parse(time).toInstant()).orElse(otherwise);
    } catch (DateTimeException e) {
      return otherwise;
    }
  }
}
