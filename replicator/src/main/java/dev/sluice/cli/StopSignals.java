package dev.sluice.cli;

import java.lang.reflect.Method;
import java.lang.reflect.Proxy;
import java.util.concurrent.CountDownLatch;
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
final class StopSignals {
  private static final Logger log = LoggerFactory.getLogger(StopSignals.class);
  private static final int EXIT_CODE_OF_A_SIGNAL = 128;

  private final CountDownLatch first = new CountDownLatch(1);
  private final AtomicInteger count = new AtomicInteger();

  private StopSignals() {}

  /** Returns the signals from now on; SIGHUP, SIGINT and SIGTERM are among them. */
  static StopSignals listen() {
    StopSignals signals = new StopSignals();
    for (String name : new String[] {"HUP", "INT", "TERM"}) {
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
                  received((int) signal.getMethod("getNumber").invoke(arguments[0]));
                  return null;
                }
                return method.invoke(this, arguments);
              });
      Object unused =
          handle.invoke(null, signal.getConstructor(String.class).newInstance(name), proxy);
    } catch (ReflectiveOperationException e) {
      log.debug("SIG{} is not handled", name, e); // one that is ignored is not, as nohup wants it
    }
  }

  private void received(int number) {
    if (count.incrementAndGet() > 1) {
      Runtime.getRuntime().halt(EXIT_CODE_OF_A_SIGNAL + number);
    }
    first.countDown();
  }

  /** Waits for the first signal. */
  void await() throws InterruptedException {
    first.await();
  }

  /** Returns whether one has come. */
  boolean isStopped() {
    return first.getCount() == 0;
  }

  /** Behaves as if a signal had come. */
  void stop() {
    first.countDown();
  }
}
