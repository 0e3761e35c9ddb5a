package dev.sluice.vfs;

import dev.sluice.ltx.LockPage;
import dev.sluice.ltx.LtxEncoder;
import dev.sluice.ltx.LtxHeader;
import dev.sluice.ltx.Txid;
import dev.sluice.ltx.TxidRange;
import java.io.BufferedOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.Arrays;

/**
 * Writes the states of a database file as a replica: one LTX file a state, with the pages that
 * changed. Confined to one thread.
 */
final class TestHistory {
  private final Path replica;
  private final int pageSize;
  private byte[] image = {};
  private Txid last = Txid.NONE;

  /** Writes below {@code replica}, the folder that will hold {@code ltx/}. */
  TestHistory(Path replica, int pageSize) {
    this.replica = replica;
    this.pageSize = pageSize;
  }

  /** Adds the state of a closed database file as the next TXID. */
  Txid add(Path database) throws IOException {
    byte[] next = Files.readAllBytes(database);
    last = last.next();
    TxidRange range = new TxidRange(last, last);
    Path file = replica.resolve("ltx/0/" + range + ".ltx");
    Path unfinished = replica.resolve("unfinished");
    Files.createDirectories(file.getParent());
    long commit = next.length / pageSize;
    LtxHeader header =
        LtxHeader.of(pageSize, commit, range, 1_700_000_000_000L + 1000 * last.value());
    try (OutputStream out = new BufferedOutputStream(Files.newOutputStream(unfinished));
        LtxEncoder encoder = new LtxEncoder(out, header)) {
      for (long pgno = 1; pgno <= commit; pgno++) {
        if (pgno != LockPage.pgno(pageSize) && isChanged(next, pgno)) {
          int at = (int) (pgno - 1) * pageSize;
          encoder.page(pgno, Arrays.copyOfRange(next, at, at + pageSize));
        }
      }
      encoder.finish();
    }
    Files.move(unfinished, file, StandardCopyOption.ATOMIC_MOVE); // whoever follows sees it whole
    image = next;
    return last;
  }

  private boolean isChanged(byte[] next, long pgno) {
    int from = (int) (pgno - 1) * pageSize;
    int to = from + pageSize;
    return to > image.length || !Arrays.equals(image, from, to, next, from, to);
  }
}
