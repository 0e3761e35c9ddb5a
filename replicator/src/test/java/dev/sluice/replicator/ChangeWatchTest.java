package dev.sluice.replicator;

import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

final class ChangeWatchTest {
  @TempDir Path folder;

  @Test
  void walBesideTheTargetOfASymbolicLinkIsWatched() throws IOException, InterruptedException {
    Path there = Files.createDirectory(folder.resolve("there")).toRealPath();
    Path link = Files.createSymbolicLink(folder.resolve("app.db"), there.resolve("v3.db"));
    Files.writeString(there.resolve("v3.db"), "database");
    Semaphore woken = new Semaphore(0);
    try (ChangeWatch watch = new ChangeWatch()) {
      watch.add(link, woken::release);
      watch.follow(link);
      assertTrue(woken.tryAcquire(30, TimeUnit.SECONDS)); // the first look finds it
      woken.drainPermits();
      Files.writeString(there.resolve("v3.db-wal"), "frames");
      assertTrue(woken.tryAcquire(30, TimeUnit.SECONDS));
      watch.remove(link);
    }
  }
}
