package dev.sluice.testkit;

import java.time.Duration;
import org.junit.jupiter.api.extension.AfterAllCallback;
import org.junit.jupiter.api.extension.AfterEachCallback;
import org.junit.jupiter.api.extension.ExtensionContext;

/**
 * After each test waits for page stores of this JVM that are being closed, which happens on threads
 * of their own: their folders may be deleted then. Those that stay open are not waited for.
 * Registered for every test that has the testkit on its class path.
 */
public final class StoreEndExtension implements AfterEachCallback, AfterAllCallback {
  /** What a store in a folder is called among the system properties, before the folder's path. */
  private static final String OWNER = "dev.sluice.owner:";

  private static final String LEAVING = "leaving";
  private static final Duration LIMIT = Duration.ofSeconds(20);
  private static final long PAUSE_MILLIS = 2;

  @Override
  public void afterEach(ExtensionContext test) throws InterruptedException {
    awaitEnd();
  }

  @Override
  public void afterAll(ExtensionContext tests) throws InterruptedException {
    awaitEnd();
  }

  /** Returns when no store is being closed, after 20 seconds at the latest. */
  public static void awaitEnd() throws InterruptedException {
    long begunNanos = System.nanoTime();
    while (isOneLeaving() && System.nanoTime() - begunNanos < LIMIT.toNanos()) {
      Thread.sleep(PAUSE_MILLIS);
    }
  }

  private static boolean isOneLeaving() {
    return System.getProperties().stringPropertyNames().stream()
        .anyMatch(name -> name.startsWith(OWNER) && LEAVING.equals(System.getProperty(name)));
  }
}
