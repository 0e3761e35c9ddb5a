package dev.sluice.replicator;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

final class SerialTest {

  /** The step that an alarm wakes may run before the alarm is marked as done. */
  @Test
  void alarmThatIsSetByTheStepOfTheLastOneIsNotLost() throws InterruptedException {
    int steps = 20_000;
    CountDownLatch left = new CountDownLatch(steps);
    try (Workers workers = new Workers()) {
      new Alarmed(workers, left).serial.wake();
      assertTrue(left.await(60, TimeUnit.SECONDS), () -> left.getCount() + " steps are missing");
    }
  }

  /** A step that took longer than its own alarm, and then finds that there is time. */
  @Test
  void laterAlarmDoesNotTakeTheEarlierOnesPlace() throws InterruptedException {
    int steps = 2_000;
    CountDownLatch left = new CountDownLatch(steps);
    try (Workers workers = new Workers()) {
      new Twice(workers, left).serial.wake();
      assertTrue(left.await(30, TimeUnit.SECONDS), () -> left.getCount() + " steps are missing");
    }
  }

  @Test
  void endWaitsForTheStepThatRunsAndNoneFollows() throws InterruptedException {
    try (Workers workers = new Workers()) {
      CountDownLatch running = new CountDownLatch(1);
      CountDownLatch goOn = new CountDownLatch(1);
      CountDownLatch ended = new CountDownLatch(1);
      List<String> done = new CopyOnWriteArrayList<>();
      Serial serial =
          new Serial(
              workers,
              () -> {
                running.countDown();
                awaitUninterrupted(goOn);
                done.add("step");
              });
      serial.wake();
      assertTrue(running.await(30, TimeUnit.SECONDS));
      serial.wake();
      serial.end(
          () -> {
            done.add("end");
            ended.countDown();
          });
      assertEquals(List.of(), done);
      goOn.countDown();
      assertTrue(ended.await(30, TimeUnit.SECONDS));
      serial.wake();
      serial.end(() -> done.add("end again"));
      assertEquals(List.of("step", "end"), done);
    }
  }

  @Test
  void endOfWhatRestsIsDoneAtOnceThoughNoThreadIsLeft() {
    Workers workers = new Workers();
    Serial serial = new Serial(workers, () -> {});
    workers.close();
    serial.wake();
    List<String> done = new ArrayList<>();
    serial.end(() -> done.add("end"));
    assertEquals(List.of("end"), done);
  }

  private static void awaitUninterrupted(CountDownLatch latch) {
    try {
      assertTrue(latch.await(30, TimeUnit.SECONDS));
    } catch (InterruptedException e) {
      throw new IllegalStateException(e);
    }
  }

  /** Each of its steps sets an alarm for now and then one for much later. */
  private static final class Twice {
    private final CountDownLatch left;
    private final Serial serial;

    Twice(Workers workers, CountDownLatch left) {
      this.left = left;
      this.serial = new Serial(workers, this::step);
    }

    private void step() {
      left.countDown();
      long now = System.nanoTime();
      serial.wakeAt(now);
      serial.wakeAt(now + TimeUnit.MINUTES.toNanos(1));
    }
  }

  /** Each of its steps sets the alarm for the next one. */
  private static final class Alarmed {
    private final CountDownLatch left;
    private final Serial serial;

    Alarmed(Workers workers, CountDownLatch left) {
      this.left = left;
      this.serial = new Serial(workers, this::step);
    }

    private void step() {
      left.countDown();
      serial.wakeAt(System.nanoTime() + 1_000);
    }
  }
}
