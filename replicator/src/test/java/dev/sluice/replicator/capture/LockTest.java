package dev.sluice.replicator.capture;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sluice.ltx.Txid;
import dev.sluice.replicator.spool.Spool;
import dev.sluice.replicator.spool.SpoolSetup;
import java.io.IOException;
import java.lang.ref.WeakReference;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.SQLException;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Whatever we do with the database's files, our connection keeps its lock: another process sees.
 */
final class LockTest {
  @TempDir Path folder;

  private Primary primary;
  private ProbeProcess probe;

  @BeforeEach
  void begin() throws SQLException, IOException {
    primary = new Primary(folder);
    primary.create(4096);
    primary.insert(50, 3000);
    primary.endApplication();
    probe = new ProbeProcess(LockProbe.class);
  }

  @AfterEach
  void end() throws SQLException, IOException {
    primary.close();
    probe.close();
  }

  private void requireLocked(String after) throws IOException {
    assertEquals("locked", probe.ask(primary.database()), "after " + after);
  }

  private void requireFree() throws IOException {
    assertEquals("free", probe.ask(primary.database()));
  }

  @Test
  void lockSurvivesEveryKindOfAccess() throws SQLException, IOException {
    requireFree();
    primary.cut();
    requireLocked("the first image");
    collectGarbage();
    requireLocked("a collection");
    primary.insert(200, 3000);
    primary.cut();
    requireLocked("a capture");
    primary.endApplication();
    requireLocked("the end of an application in this process");
    for (int i = 0; i < 10_000 && primary.capture().pause().toMillis() != 250; i++) {
      primary.pass(1000);
      primary.capture().capture();
    }
    collectGarbage();
    requireLocked("a rest");
    primary.pass(20_000);
    primary.capture().capture();
    collectGarbage();
    requireLocked("a trim");
    primary.insert(2000, 3000);
    primary.capture().capture();
    primary.cut();
    collectGarbage();
    requireLocked("a checkpoint");
    primary.endApplication();
    primary.kill();
    requireFree();
    Files.deleteIfExists(primary.directory().resolve("checksums"));
    primary.cut();
    collectGarbage();
    requireLocked("an image");
  }

  /** Another capture of the file, by another name, comes and goes: ours keeps its lock. */
  @Test
  void lockSurvivesAnotherCaptureOfTheFile() throws SQLException, IOException {
    primary.cut();
    Path link = Files.createSymbolicLink(folder.resolve("link.db"), primary.database());
    SpoolSetup setup = SpoolSetup.of(() -> Instant.EPOCH);
    try (Spool spool = Spool.begin(folder.resolve("spool"), Txid.NONE, 0, setup)) {
      DatabaseCapture other =
          DatabaseCapture.begin(CaptureSettings.of(link), spool, new CaptureBuffers(1));
      other.capture();
      requireLocked("another began");
      other.close();
      collectGarbage();
      requireLocked("another ended");
    }
  }

  /** Where the process is the application's its connection must not lose a lock by ours. */
  @Test
  void lockOfTheApplicationSurvivesTheEndOfACapture() throws SQLException, IOException {
    primary.set(primary.settings().withOwnProcess(false));
    primary.insert(1, 1);
    primary.cut();
    primary.stop();
    collectGarbage();
    requireLocked("the end of the capture");
    primary.endApplication();
    requireFree();
  }

  /** Databases come and go: what a process of our own has open does not grow. */
  @Test
  void nothingIsLeftOpen() throws SQLException, IOException {
    for (int i = 0; i < 20; i++) {
      primary.cut();
      primary.kill();
      Files.delete(primary.directory().resolve("checksums"));
    }
    try (var open = Files.list(Path.of("/proc/self/fd"))) {
      List<String> ours = new ArrayList<>();
      open.filter(Files::isSymbolicLink).forEach(link -> ours.add(target(link)));
      assertTrue(ours.stream().noneMatch(name -> name.startsWith(folder.toString())));
    }
  }

  private static String target(Path link) {
    try {
      return Files.readSymbolicLink(link).toString();
    } catch (IOException e) {
      return "gone";
    }
  }

  /** Returns when a collection has surely been. */
  private static void collectGarbage() {
    WeakReference<Object> gone = new WeakReference<>(new Object());
    while (gone.get() != null) {
      System.gc();
    }
  }
}
