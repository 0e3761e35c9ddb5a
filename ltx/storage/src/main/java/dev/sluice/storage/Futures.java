package dev.sluice.storage;

import java.io.Closeable;
import java.io.IOException;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.function.BiConsumer;
import java.util.function.Consumer;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * Futures whose cancellation reaches the request that they stand for, which the JDK's dependent
 * futures do not do.
 */
final class Futures {
  private Futures() {}

  /**
   * Returns a future of {@code map} applied to what {@code source} gives; cancelling it cancels
   * {@code source}.
   */
  static <T, R> CompletableFuture<R> map(CompletableFuture<T> source, Function<T, R> map) {
    Dependent<R> dependent = new Dependent<>(List.of(source));
    whenDone(
        source,
        (value, failure) -> {
          if (failure != null) {
            dependent.completeExceptionally(unwrap(failure));
            return;
          }
          try {
            R result = map.apply(value);
            if (!dependent.complete(result)) {
              closeUnused(result);
            }
          } catch (RuntimeException e) {
            dependent.completeExceptionally(e);
          }
        });
    return dependent;
  }

  /**
   * Returns a future of the same value, which {@code look} has seen before; cancelling it cancels
   * {@code source}.
   */
  static <T> CompletableFuture<T> peek(CompletableFuture<T> source, Consumer<T> look) {
    return map(
        source,
        value -> {
          look.accept(value);
          return value;
        });
  }

  /**
   * Returns the values of all, in order. The first failure is its failure and cancels the others,
   * as cancelling it does.
   */
  static <T> CompletableFuture<List<T>> all(List<CompletableFuture<T>> sources) {
    Dependent<List<T>> dependent = new Dependent<>(sources);
    for (CompletableFuture<T> source : sources) {
      whenDone(
          source,
          (value, failure) -> {
            if (failure != null && dependent.completeExceptionally(unwrap(failure))) {
              dependent.cancelSources();
            }
          });
    }
    whenDone(
        CompletableFuture.allOf(sources.toArray(CompletableFuture<?>[]::new)),
        (nothing, failure) -> {
          if (failure == null) {
            dependent.complete(sources.stream().map(CompletableFuture::join).toList());
          }
        });
    return dependent;
  }

  /**
   * Returns the failure itself, without what the JDK wraps around it on the way through dependent
   * futures.
   */
  static Throwable unwrap(Throwable failure) {
    Throwable cause = failure.getCause();
    return failure instanceof CompletionException && cause != null ? unwrap(cause) : failure;
  }

  /** An answer that came after the cancellation is let go of: it may hold a connection. */
  static void closeUnused(Object result) {
    if (result instanceof Closeable closeable) {
      try {
        closeable.close();
      } catch (IOException e) {
        // Nobody waits for it any more.
      }
    }
  }

  /** Runs {@code action} when the future is done. What the action throws is lost: it catches. */
  @SuppressWarnings("FutureReturnValueIgnored") // it says nothing that the action does not know
  static <T> void whenDone(
      CompletableFuture<T> future, BiConsumer<? super T, ? super @Nullable Throwable> action) {
    future.whenComplete(action);
  }

  private static final class Dependent<T> extends CompletableFuture<T> {
    private final List<? extends CompletableFuture<?>> sources;

    Dependent(List<? extends CompletableFuture<?>> sources) {
      this.sources = sources;
    }

    void cancelSources() {
      sources.forEach(source -> source.cancel(true));
    }

    @Override
    public boolean cancel(boolean mayInterrupt) {
      boolean isCancelled = super.cancel(mayInterrupt);
      cancelSources();
      return isCancelled;
    }
  }
}
