package dev.sluice.jmh;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import jdk.jfr.Recording;
import jdk.jfr.consumer.RecordedEvent;
import jdk.jfr.consumer.RecordedFrame;
import jdk.jfr.consumer.RecordedThread;
import jdk.jfr.consumer.RecordingFile;

/**
 * A recording of where threads of this JVM wait for a monitor, however shortly, or are parked.
 * Confined to one thread at a time.
 */
final class LockEvents implements AutoCloseable {
  private static final String OURS = "dev.sluice.";
  private static final String BENCHMARK = "dev.sluice.jmh.";

  private final Recording recording = new Recording();
  private final String reader;

  private LockEvents(String reader) {
    this.reader = reader;
    for (String event : List.of("jdk.JavaMonitorEnter", "jdk.ThreadPark")) {
      recording.enable(event).withoutThreshold().withStackTrace();
    }
    recording.start();
  }

  /**
   * Begins a recording.
   *
   * @param reader the name of the threads that read
   */
  static LockEvents record(String reader) {
    return new LockEvents(reader);
  }

  /** Ends the recording and returns what it says. */
  String counts() throws IOException {
    recording.stop();
    Path file = Files.createTempFile("sluice-locks", ".jfr");
    try {
      recording.dump(file);
      List<RecordedEvent> events = RecordingFile.readAllEvents(file);
      int inReaders = 0;
      int oursInReaders = 0;
      int oursElsewhere = 0;
      for (RecordedEvent event : events) {
        boolean isReader = isReader(event.getThread());
        inReaders += isReader ? 1 : 0;
        oursInReaders += isReader && isOurs(event) ? 1 : 0;
        oursElsewhere += !isReader && isMonitor(event) && isOurs(event) ? 1 : 0;
      }
      return "%d waits in this JVM, %d of them in readers, of those %d in our code; %d for monitors of ours elsewhere"
          .formatted(events.size(), inReaders, oursInReaders, oursElsewhere);
    } finally {
      Files.delete(file);
    }
  }

  private boolean isReader(RecordedThread thread) {
    return reader.equals(thread.getJavaName());
  }

  private static boolean isMonitor(RecordedEvent event) {
    return event.getEventType().getName().equals("jdk.JavaMonitorEnter");
  }

  private static boolean isOurs(RecordedEvent event) {
    return event.getStackTrace().getFrames().stream()
        .map(LockEvents::typeName)
        .anyMatch(name -> name.startsWith(OURS) && !name.startsWith(BENCHMARK));
  }

  private static String typeName(RecordedFrame frame) {
    return frame.getMethod().getType().getName();
  }

  @Override
  public void close() {
    recording.close();
  }
}
