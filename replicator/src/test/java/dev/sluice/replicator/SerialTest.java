package dev.sluice.replicator;

import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.Test;

final class SerialTest {

  /** The step that an alarm wakes may run before the alarm is marked as done. */
  @Test
  void alarmThatIsSetByTheStepOfTheLastOneIsNotLost() throws InterruptedException {
    int steps = 20_000;
    CountDownLatch left = new CountDownLatch(steps);
    try (Workers workers = new Workers()) {
      AtomicReference<Serial> serial = new AtomicReference<>();
      serial.set(
          new Serial(
              workers,
              () -> {
                left.countDown();
                serial.get().wakeAt(System.nanoTime() + 1_000);
              }));
      serial.get().wake();
      assertTrue(left.await(60, TimeUnit.SECONDS), () -> left.getCount() + " steps are missing");
    }
  }
}
