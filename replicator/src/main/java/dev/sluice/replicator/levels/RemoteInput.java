package dev.sluice.replicator.levels;

import dev.sluice.replicator.upload.ReplicaWriter;
import dev.sluice.storage.LtxFile;
import dev.sluice.storage.ReplicaClient;
import dev.sluice.storage.ReplicaException;
import java.io.IOException;
import java.io.InputStream;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.function.LongConsumer;

/**
 * A stored file, read in pieces, the next one fetched while one is used. Not as one stream: a merge
 * of many files leaves most of them untouched for minutes, and servers close what is not read.
 * Confined to one thread at a time.
 */
final class RemoteInput extends InputStream {
  private static final int ATTEMPTS = 3;
  private static final int PIECE_BYTES_MIN = 16 << 10;

  private final ReplicaClient client;
  private final ReplicaWriter replica;
  private final LtxFile file;
  private final LongConsumer count;
  private int pieceBytes;
  private byte[] piece = {};
  private int at;
  private long fetched;
  private Optional<CompletableFuture<byte[]>> next = Optional.empty();

  /**
   * @param pieceBytes twice as many are held at most
   * @param count is told the bytes of each piece that came
   */
  RemoteInput(ReplicaWriter replica, LtxFile file, int pieceBytes, LongConsumer count) {
    this.client = replica.client();
    this.replica = replica;
    this.file = file;
    this.pieceBytes = pieceBytes;
    this.count = count;
  }

  @Override
  public int read() throws IOException {
    byte[] one = new byte[1];
    return read(one, 0, 1) < 0 ? -1 : one[0] & 0xff;
  }

  @Override
  public int read(byte[] dst, int offset, int length) throws IOException {
    Objects.checkFromIndexSize(offset, length, dst.length);
    if (length == 0) {
      return 0;
    }
    if (at == piece.length) {
      if (fetched == file.size()) {
        return -1;
      }
      fetch();
    }
    int copied = Math.min(length, piece.length - at);
    System.arraycopy(piece, at, dst, offset, copied);
    at += copied;
    return copied;
  }

  private void fetch() throws IOException {
    piece = new byte[0];
    at = 0;
    CompletableFuture<byte[]> reading = next.isPresent() ? next.get() : start();
    next = Optional.empty();
    String what = "read " + client.location(file.name()) + " offset=" + fetched;
    for (int attempt = 1; ; attempt++) {
      try {
        piece = replica.limit().await(reading, what);
        break;
      } catch (ReplicaException.Unavailable e) {
        if (attempt == ATTEMPTS) {
          throw e;
        }
        // A slow line may not bring as much in the time of a call.
        pieceBytes = Math.max(pieceBytes / 4, Math.min(pieceBytes, PIECE_BYTES_MIN));
        reading = start();
      }
    }
    fetched += piece.length;
    count.accept(piece.length);
    if (fetched < file.size()) {
      next = Optional.of(start());
    }
  }

  private CompletableFuture<byte[]> start() {
    return client.read(file, fetched, (int) Math.min(pieceBytes, file.size() - fetched));
  }

  @Override
  public void close() {
    next.ifPresent(reading -> reading.cancel(true));
    next = Optional.empty();
    piece = new byte[0];
    at = 0;
    fetched = file.size();
  }
}
