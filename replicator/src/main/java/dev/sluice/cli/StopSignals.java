package dev.sluice.cli;

import java.lang.reflect.Method;
import java.lang.reflect.Proxy;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.atomic.AtomicInteger;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The signals that ask this process to end: the first is waited for, a second ends it at once.
 *
 * <p>By way of {@code sun.misc.Signal}, which every JDK has and none promises; a shutdown hook
 * could not tell a second signal from the first, nor give the process an exit code of its own. By
 * reflection, because the compiler warns of it in a way that cannot be silenced. Thread-safe.
 */
final class StopSignals implements AutoCloseable {
  private static final Logger log = LoggerFactory.getLogger(StopSignals.class);
  private static final int EXIT_CODE_OF_A_SIGNAL = 128;
  private static final String DEFAULT = "TERM";

  private final CompletableFuture<String> first = new CompletableFuture<>();
  private final AtomicInteger count = new AtomicInteger();
  private final List<Runnable> undoings = new ArrayList<>();
  private volatile Runnable abort = () -> {};

  private StopSignals() {}

  /** Returns the signals from now on; SIGHUP, SIGINT and SIGTERM are among them. */
  static StopSignals listen() {
    StopSignals signals = new StopSignals();
    for (String name : new String[] {"HUP", "INT", DEFAULT}) {
      signals.handle(name);
    }
    return signals;
  }

  private void handle(String name) {
    try {
      Class<?> signal = Class.forName("sun.misc.Signal");
      Class<?> handler = Class.forName("sun.misc.SignalHandler");
      Method handle = signal.getMethod("handle", signal, handler);
      Object proxy =
          Proxy.newProxyInstance(
              handler.getClassLoader(),
              new Class<?>[] {handler},
              (self, method, arguments) -> {
                if (method.getName().equals("handle")) {
                  received(name, (int) signal.getMethod("getNumber").invoke(arguments[0]));
                  return null;
                }
                return method.invoke(this, arguments);
              });
      Object one = signal.getConstructor(String.class).newInstance(name);
      Object before = handle.invoke(null, one, proxy);
      undoings.add(() -> restore(handle, one, before));
    } catch (ReflectiveOperationException e) {
      log.debug("SIG{} is not handled", name, e); // one that is ignored is not, as nohup wants it
    }
  }

  private static void restore(Method handle, Object signal, Object handler) {
    try {
      Object unused = handle.invoke(null, signal, handler);
    } catch (ReflectiveOperationException e) {
      log.debug("{} stays handled", signal, e);
    }
  }

  private void received(String name, int number) {
    if (count.incrementAndGet() > 1) {
      try {
        abort.run();
      } finally {
        Runtime.getRuntime().halt(EXIT_CODE_OF_A_SIGNAL + number);
      }
    }
    first.complete(name);
  }

  /** Sets what is done at the second one before this process is gone. */
  void onAbort(Runnable action) {
    abort = action;
  }

  /** Returns a future of the first one's name, as {@code TERM}. */
  CompletableFuture<String> first() {
    return first.copy();
  }

  /** Waits for the first signal, and returns its name, as {@code TERM}. */
  String await() throws InterruptedException {
    try {
      return first.get();
    } catch (ExecutionException e) {
      throw new IllegalStateException(e);
    }
  }

  /** Returns whether one has come. */
  boolean isStopped() {
    return first.isDone();
  }

  /** Behaves as if SIGTERM had come. */
  void stop() {
    first.complete(DEFAULT);
  }

  /** Has signals do what they did before. */
  @Override
  public void close() {
    undoings.forEach(Runnable::run);
  }
}
