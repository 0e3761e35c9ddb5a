package dev.sluice.cache;

import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.sluice.storage.RequestMeter;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;

/** A replica that is opened again and again, by one process after another as it were. */
abstract class ReopenedByHand extends FollowedByHand {

  /** Before the name of a file of which this JVM has the lock. */
  static final String OWNER = "dev.sluice.owner:";

  /** Opens the replica, requires its pages, and returns how many of them were asked for. */
  long read(int... seeds) throws IOException {
    Replica replica = open();
    try {
      long before = gets(replica);
      assertPages(replica, latest(replica), seeds);
      long asked = gets(replica) - before;
      before = gets(replica);
      assertPages(replica, latest(replica), seeds);
      assertEquals(before, gets(replica), "what was read is there");
      return asked;
    } finally {
      replicas.release(replica);
    }
  }

  /** But for those that were made because another took long. */
  private static long gets(Replica replica) {
    RequestMeter.Snapshot requests = replica.requests();
    return requests.gets() - requests.hedges();
  }

  Path folder() {
    return side.resolve(StoreName.of(options().url()));
  }

  List<String> stores() throws IOException {
    try (Stream<Path> files = Files.list(folder())) {
      return files
          .map(file -> file.getFileName().toString())
          .filter(name -> name.startsWith("store-"))
          .toList();
    }
  }

  /** Waits until who was released has let go of the folder. */
  void awaitClosed() {
    TestReplicas.await(() -> System.getProperty(OWNER + folder() + "/owner") == null);
  }
}
