package dev.sluice.storage.s3;

import dev.sluice.storage.ReplicaException;
import java.net.UnknownHostException;
import java.util.Optional;
import java.util.Set;
import software.amazon.awssdk.awscore.exception.AwsErrorDetails;
import software.amazon.awssdk.awscore.exception.AwsServiceException;

/**
 * What the SDK's failures mean, by type, status and code, never by message:
 *
 * <pre>
 *   404 NoSuchKey, or 404 with no code or an unknown one, of an object   NotFound
 *   412, 304; 416 of a file that was listed                             Conflict
 *   404 NoSuchKey of a write, whose condition was a version             Conflict
 *   409 (two conditional writes at once; nothing was changed)           Unavailable
 *   307 (of a bucket that was just made), 408, 429, 400 RequestTimeout, 503  Unavailable
 *   500, 502, 504 and other 5xx                                         Unavailable; of a write OutcomeUnknown
 *   NoSuchBucket, 401, 403, 301, other 3xx and 4xx                 Denied
 *   no credentials found                                                Denied
 *   nothing was sent                                                    Denied
 *   no answer, or a broken one                                          Unavailable; of a write OutcomeUnknown
 * </pre>
 *
 * <p>S3 answers 403 for a missing key to those who may not list the bucket: that is Denied here, as
 * nobody can tell the difference.
 */
final class S3Failures {
  /** 404s that speak of something greater than an object. */
  private static final Set<String> MISSING_PLACES =
      Set.of("NoSuchBucket", "NoSuchAccessPoint", "NoSuchUpload");

  private final String bucket;
  private final String server;

  S3Failures(S3Settings settings) {
    this.bucket = settings.bucket();
    this.server = settings.endpoint().map(endpoint -> " at " + endpoint.uri()).orElse("");
  }

  /** Returns what a failure of the SDK, or of what runs inside it, is for a caller. */
  ReplicaException of(S3Operation operation, Throwable failure) {
    Optional<ReplicaException> known = find(failure, ReplicaException.class);
    if (known.isPresent()) {
      return known.get();
    }
    Optional<AwsServiceException> answer = find(failure, AwsServiceException.class);
    if (answer.isPresent()) {
      return ofAnswer(operation, answer.get());
    }
    Optional<S3Credentials.NotFound> credentials = find(failure, S3Credentials.NotFound.class);
    if (credentials.isPresent()) {
      return new ReplicaException.Denied(
          message(operation, String.valueOf(credentials.get().getMessage())), credentials.get());
    }
    return withoutAnswer(operation, describe(failure), failure);
  }

  /**
   * Returns what a failure is of which nothing went to the storage: what was asked for cannot be
   * sent, now or later.
   */
  ReplicaException beforeSending(S3Operation operation, Throwable failure) {
    ReplicaException meant = of(operation, failure);
    boolean isForLackOfAnAnswer =
        meant instanceof ReplicaException.Unavailable
            || meant instanceof ReplicaException.OutcomeUnknown;
    boolean isOurs = find(failure, ReplicaException.class).isPresent();
    return isForLackOfAnAnswer && !isOurs
        ? new ReplicaException.Denied(message(operation, describe(failure)), failure)
        : meant;
  }

  /** Returns the failure of a call to which no answer, or half of one, came. */
  ReplicaException withoutAnswer(S3Operation operation, String why, Throwable cause) {
    return operation.kind() == S3Operation.Kind.WRITE
        ? new ReplicaException.OutcomeUnknown(message(operation, why), cause)
        : new ReplicaException.Unavailable(message(operation, why), cause);
  }

  ReplicaException.Denied closed(S3Operation operation) {
    return new ReplicaException.Denied(message(operation, "the client is closed"));
  }

  private ReplicaException ofAnswer(S3Operation operation, AwsServiceException answer) {
    int status = answer.statusCode();
    String code =
        Optional.ofNullable(answer.awsErrorDetails()).map(AwsErrorDetails::errorCode).orElse("");
    String message = message(operation, (status + " " + code).trim() + elsewhere(status, answer));
    boolean isObject = operation.kind() == S3Operation.Kind.READ_OBJECT;
    if (status == 404 && isObject && !MISSING_PLACES.contains(code)) {
      return new ReplicaException.NotFound(message, answer);
    } else if (status == 412 || status == 304 || (status == 416 && isObject)) {
      return new ReplicaException.Conflict(message, answer);
    } else if (operation.kind() == S3Operation.Kind.WRITE && code.equals("NoSuchKey")) {
      return new ReplicaException.Conflict(message, answer);
    } else if (isRefusedForNow(status, code)) {
      return new ReplicaException.Unavailable(message, answer);
    } else if (status >= 500 && status != 501) {
      return withoutAnswer(operation, (status + " " + code).trim(), answer);
    }
    return new ReplicaException.Denied(message, answer);
  }

  /** Returns where the bucket is, if that is what the answer is about. */
  private static String elsewhere(int status, AwsServiceException answer) {
    Optional<String> region =
        Optional.ofNullable(answer.awsErrorDetails())
            .map(AwsErrorDetails::sdkHttpResponse)
            .flatMap(head -> head.firstMatchingHeader("x-amz-bucket-region"));
    return status == 301 || status == 400
        ? region.map(name -> " (the bucket is in region " + name + ")").orElse("")
        : "";
  }

  private static boolean isRefusedForNow(int status, String code) {
    return status == 307
        || status == 408
        || status == 409
        || status == 429
        || status == 503
        || (status == 400 && code.equals("RequestTimeout"));
  }

  private String message(S3Operation operation, String why) {
    return operation.text()
        + ": "
        + operation.name()
        + " in bucket "
        + bucket
        + server
        + ": "
        + why;
  }

  private static <T extends Throwable> Optional<T> find(Throwable failure, Class<T> type) {
    Throwable at = failure;
    for (int depth = 0; at != null && depth < 20; depth++) {
      if (type.isInstance(at)) {
        return Optional.of(type.cast(at));
      }
      at = at.getCause();
    }
    return Optional.empty();
  }

  /** Returns the words of the innermost cause, which are the network's. */
  private static String describe(Throwable failure) {
    Optional<UnknownHostException> host = find(failure, UnknownHostException.class);
    if (host.isPresent()) {
      return unknownHost(host.get());
    }
    Throwable at = failure;
    Throwable cause = at.getCause();
    for (int depth = 0; cause != null && depth < 20; depth++) {
      at = cause;
      cause = at.getCause();
    }
    String words = at.getMessage();
    return words == null ? at.getClass().getSimpleName() : words;
  }

  /** The JDK's words are the name alone, or with the resolver's behind it when it was asked. */
  private static String unknownHost(UnknownHostException failure) {
    String words = String.valueOf(failure.getMessage());
    int nameEnd = words.indexOf(": ");
    return "unknown host " + (nameEnd < 0 ? words : words.substring(0, nameEnd));
  }
}
