package dev.sluice.storage.s3;

import dev.sluice.storage.Environment;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
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
 * makes a request: who uses it makes requests on a thread that may wait. Thread-safe; the chain is
 * made at first use, under this object's lock.
 */
final class S3Credentials implements IdentityProvider<AwsCredentialsIdentity>, AutoCloseable {
  private final Optional<AwsCredentialsIdentity> fixed;
  private @Nullable DefaultCredentialsProvider chain;

  /** Says that no credentials could be found, which the SDK has no type for. */
  static final class NotFound extends RuntimeException {
    private static final long serialVersionUID = 1L;

    NotFound(SdkClientException cause) {
      super("no credentials found", cause);
    }
  }

  S3Credentials(Environment environment) {
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

  /** Returns whether finding the credentials may take time. */
  boolean mayWait() {
    return fixed.isEmpty();
  }

  @Override
  public Class<AwsCredentialsIdentity> identityType() {
    return AwsCredentialsIdentity.class;
  }

  @Override
  public CompletableFuture<AwsCredentialsIdentity> resolveIdentity(ResolveIdentityRequest request) {
    try {
      return CompletableFuture.completedFuture(fixed.orElseGet(this::askChain));
    } catch (NotFound e) {
      return CompletableFuture.failedFuture(e);
    }
  }

  private AwsCredentialsIdentity askChain() {
    try {
      return chain().resolveCredentials();
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
