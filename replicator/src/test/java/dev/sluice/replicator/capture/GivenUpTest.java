package dev.sluice.replicator.capture;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sluice.ltx.Txid;
import dev.sluice.replicator.spool.Spool;
import dev.sluice.replicator.spool.SpoolSetup;
import dev.sluice.replicator.spool.SpoolStep;
import java.io.IOException;
import java.nio.file.Path;
import java.sql.SQLException;
import java.time.InstantSource;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A first image takes minutes, and a process that is to end does not wait for it. */
final class GivenUpTest {
  @TempDir Path folder;

  @Test
  void captureThatIsCancelledCutsNothing() throws SQLException, IOException {
    try (Primary primary = new Primary(folder)) {
      primary.create(4096);
      primary.insert(50, 3000);
      CompletableFuture<DatabaseCapture> capturing = new CompletableFuture<>();
      SpoolSetup setup =
          new SpoolSetup(
              InstantSource.system(),
              step -> {
                if (step == SpoolStep.CUT_CREATED) {
                  capturing.join().cancel();
                }
              });
      Path directory = folder.resolve("spool");
      try (Spool spool = Spool.begin(directory, Txid.NONE, 0, setup);
          DatabaseCapture capture =
              DatabaseCapture.begin(primary.settings(), spool, new CaptureBuffers(1))) {
        capturing.complete(capture);
        CaptureException given = assertThrows(CaptureException.Unreadable.class, capture::capture);
        assertTrue(String.valueOf(given.getMessage()).contains("given up"), given::getMessage);
        assertEquals(Txid.NONE, spool.lastCut().txid());
        assertEquals(0, spool.files().size());
      }
    }
  }
}
