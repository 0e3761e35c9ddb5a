package dev.sluice.storage.s3;

import dev.sluice.storage.Environment;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import software.amazon.awssdk.auth.credentials.AwsBasicCredentials;
import software.amazon.awssdk.auth.credentials.AwsSessionCredentials;
import software.amazon.awssdk.auth.credentials.DefaultCredentialsProvider;
import software.amazon.awssdk.core.exception.SdkClientException;
import software.amazon.awssdk.identity.spi.AwsCredentialsIdentity;
import software.amazon.awssdk.identity.spi.IdentityProvider;
import software.amazon.awssdk.identity.spi.ResolveIdentityRequest;

/**
 * Where the credentials come from: {@code AWS_ACCESS_KEY_ID} and {@code AWS_SECRET_ACCESS_KEY},
 * each with its {@code LITESTREAM_...} namesake in its place when it is not set; else the SDK's
 * default chain (profiles, web identity, container, instance).
 *
 * <p>The chain may ask the network (instance metadata), and the SDK waits for it on the thread that
 * makes a request: who uses it makes requests on a thread that may wait. What it gave is kept for a
 * minute at most. Thread-safe; the chain is made at first use, under this object's lock.
 */
final class S3Credentials implements IdentityProvider<AwsCredentialsIdentity>, AutoCloseable {
  /** A source of the chain and why it had none, up to the next source. */
  private static final Pattern SOURCE =
      Pattern.compile(
          "(\\w+)CredentialsProvider\\((?:[^()]|\\([^()]*\\))*\\): (.*?)(?=\\.?(?:: ProfileFile\\(|, \\w+CredentialsProvider\\(|]?$))",
          Pattern.DOTALL);

  private static final Pattern KEY_LIKE =
      Pattern.compile("(?=[A-Za-z+/=]*[0-9])[A-Za-z0-9+/=]{16,}");
  private static final int REASON_CHARS_MAX = 200;

  /** Credentials that the chain gave are asked for again this long before they expire. */
  private static final Duration EXPIRY_MARGIN = Duration.ofMinutes(2);

  /** Those without an end are asked for again after this time, as a file may have changed. */
  private static final Duration KEPT_LIMIT = Duration.ofMinutes(1);

  private final Clock clock;
  private final Optional<AwsCredentialsIdentity> fixed;
  private volatile @Nullable Kept kept;
  private @Nullable DefaultCredentialsProvider chain;

  /** What the chain gave last, and until when it is used without asking again. */
  private record Kept(AwsCredentialsIdentity identity, Instant until) {}

  /** Says that no credentials could be found, which the SDK has no type for. */
  static final class NotFound extends RuntimeException {
    private static final long serialVersionUID = 1L;

    NotFound(SdkClientException cause) {
      super("no credentials found" + reasons(String.valueOf(cause.getMessage())), cause);
    }
  }

  /**
   * Returns the chain's words in short: the source and the reason of each that may have been meant.
   * What looks like a key is left out, wherever it came from.
   */
  static String reasons(String chainMessage) {
    StringBuilder reasons = new StringBuilder();
    Matcher source = SOURCE.matcher(chainMessage);
    while (source.find()) {
      if (source.group(1).equals("SystemProperty")
          || source.group(1).equals("EnvironmentVariable")) {
        continue; // Looked at before the chain was asked.
      }
      String reason = KEY_LIKE.matcher(source.group(2)).replaceAll("***");
      reasons
          .append(reasons.isEmpty() ? " (" : "; ")
          .append(source.group(1))
          .append(": ")
          .append(reason, 0, Math.min(reason.length(), REASON_CHARS_MAX));
    }
    return reasons.append(reasons.isEmpty() ? "" : ")").toString();
  }

  S3Credentials(Environment environment, Clock clock) {
    this.clock = clock;
    this.fixed = fixed(environment);
  }

  private static Optional<AwsCredentialsIdentity> fixed(Environment environment) {
    Optional<String> key = variable(environment, "AWS_ACCESS_KEY_ID");
    Optional<String> secret = variable(environment, "AWS_SECRET_ACCESS_KEY");
    Optional<String> token = variable(environment, "AWS_SESSION_TOKEN");
    if (key.isPresent() && secret.isPresent() && token.isPresent()) {
      return Optional.of(AwsSessionCredentials.create(key.get(), secret.get(), token.get()));
    }
    Optional<String> anyKey = key.or(() -> variable(environment, "LITESTREAM_ACCESS_KEY_ID"));
    Optional<String> anySecret =
        secret.or(() -> variable(environment, "LITESTREAM_SECRET_ACCESS_KEY"));
    if (anyKey.isEmpty() || anySecret.isEmpty()) {
      return Optional.empty();
    }
    return Optional.of(AwsBasicCredentials.create(anyKey.get(), anySecret.get()));
  }

  private static Optional<String> variable(Environment environment, String name) {
    return environment.get(name).filter(value -> !value.isEmpty());
  }

  /** Returns whether finding the credentials may take time now. */
  boolean mayWait() {
    return fixed.isEmpty() && fresh().isEmpty();
  }

  @Override
  public Class<AwsCredentialsIdentity> identityType() {
    return AwsCredentialsIdentity.class;
  }

  @Override
  public CompletableFuture<AwsCredentialsIdentity> resolveIdentity(ResolveIdentityRequest request) {
    try {
      return CompletableFuture.completedFuture(fixed.or(this::fresh).orElseGet(this::askChain));
    } catch (NotFound e) {
      return CompletableFuture.failedFuture(e);
    }
  }

  private Optional<AwsCredentialsIdentity> fresh() {
    Kept last = kept;
    return last != null && clock.instant().isBefore(last.until())
        ? Optional.of(last.identity())
        : Optional.empty();
  }

  private AwsCredentialsIdentity askChain() {
    try {
      AwsCredentialsIdentity found = chain().resolveCredentials();
      Instant latest = clock.instant().plus(KEPT_LIMIT);
      Instant until =
          found
              .expirationTime()
              .map(end -> end.minus(EXPIRY_MARGIN))
              .filter(latest::isAfter)
              .orElse(latest);
      kept = new Kept(found, until);
      return found;
    } catch (SdkClientException e) {
      throw new NotFound(e);
    }
  }

  private synchronized DefaultCredentialsProvider chain() {
    DefaultCredentialsProvider made = chain;
    if (made == null) {
      made = DefaultCredentialsProvider.builder().build();
      chain = made;
    }
    return made;
  }

  @Override
  public synchronized void close() {
    if (chain != null) {
      chain.close();
    }
  }
}
