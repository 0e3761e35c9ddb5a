package dev.sluice.storage.s3;

import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import software.amazon.awssdk.core.interceptor.Context;
import software.amazon.awssdk.core.interceptor.ExecutionAttribute;
import software.amazon.awssdk.core.interceptor.ExecutionAttributes;
import software.amazon.awssdk.core.interceptor.ExecutionInterceptor;

/**
 * Notes for each request whether it left the SDK: a failure before that, of a region that is no
 * host label for one, is none of the network's, though the SDK has one type for both. Thread-safe.
 */
final class S3Sending implements ExecutionInterceptor {
  private static final ExecutionAttribute<AtomicBoolean> IS_SENT =
      new ExecutionAttribute<>("sluice-is-sent");

  /** The request that this thread is making: the SDK has no other way to hand it in. */
  private static final ThreadLocal<@Nullable AtomicBoolean> BEGUN = new ThreadLocal<>();

  /** Makes a request; {@code isSent} becomes true when it leaves the SDK. */
  static <T> CompletableFuture<T> begin(
      Supplier<CompletableFuture<T>> request, AtomicBoolean isSent) {
    BEGUN.set(isSent);
    try {
      return request.get();
    } finally {
      BEGUN.remove();
    }
  }

  @Override
  public void beforeExecution(Context.BeforeExecution context, ExecutionAttributes attributes) {
    AtomicBoolean isSent = BEGUN.get();
    if (isSent != null) {
      attributes.putAttribute(IS_SENT, isSent);
    }
  }

  @Override
  public void beforeTransmission(
      Context.BeforeTransmission context, ExecutionAttributes attributes) {
    AtomicBoolean isSent = attributes.getAttribute(IS_SENT);
    if (isSent != null) {
      isSent.set(true);
    }
  }
}
