package dev.sluice.replicator.upload;

import dev.sluice.ltx.LtxHeader;
import dev.sluice.ltx.LtxTrailer;
import dev.sluice.ltx.Txid;
import dev.sluice.ltx.TxidRange;
import dev.sluice.replicator.spool.SpooledFile;
import dev.sluice.storage.Listings;
import dev.sluice.storage.LtxFile;
import dev.sluice.storage.LtxFileName;
import dev.sluice.storage.ReplicaClient;
import dev.sluice.storage.ReplicaException;
import java.io.IOException;
import java.io.InterruptedIOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.time.Instant;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/**
 * Stores level-0 files under names that nobody else has taken. One attempt for each call; whoever
 * calls tries again. Thread-safe as the client is.
 */
public final class Uploader {
  private final ReplicaClient client;
  private final Duration limit;

  /**
   * Takes a client that makes one attempt for each call.
   *
   * @param limit of each call
   */
  public Uploader(ReplicaClient client, Duration limit) {
    this.client = client;
    this.limit = limit;
  }

  /** The replica has another file under the name of one of ours. */
  public static final class SecondWriterException extends IOException {
    private static final long serialVersionUID = 1L;

    SecondWriterException(String message, Throwable cause) {
      super(message, cause);
    }

    /** Takes what tells that there is another writer. */
    public SecondWriterException(String message) {
      super(message);
    }
  }

  /**
   * Returns the greatest TXID of the replica; {@link Txid#NONE} if it has no file.
   *
   * @throws ReplicaException if that cannot be told now
   */
  public Txid newest() throws IOException {
    List<LtxFile> files = await(Listings.all(client), "list " + client.location());
    Txid newest = Txid.NONE;
    for (LtxFile file : files) {
      Txid max = file.name().range().max();
      newest = max.isAfter(newest) ? max : newest;
    }
    return newest;
  }

  /**
   * Stores a file, unless it is there already: an attempt without an answer may have succeeded.
   *
   * @throws SecondWriterException if there is another under its name
   * @throws ReplicaException if it is not stored, or that is not known: to be called again
   */
  public void store(SpooledFile file) throws IOException {
    LtxFileName name = new LtxFileName(0, new TxidRange(file.txid(), file.txid()));
    String location = client.location(name);
    try (FileChannel content = FileChannel.open(file.path(), StandardOpenOption.READ)) {
      ByteBuffer head = read(content, 0, LtxHeader.BYTES);
      Instant timestamp =
          Instant.ofEpochMilli(LtxHeader.parse(head, file.path().toString()).timestampMillis());
      try {
        await(client.createIfAbsent(name, file.path(), timestamp), "write " + location);
      } catch (ReplicaException.Conflict e) {
        byte[] ours = read(content, file.bytes() - LtxTrailer.BYTES, LtxTrailer.BYTES).array();
        ReplicaClient.Tail theirs =
            await(client.readTail(name, LtxTrailer.BYTES), "read tail of " + location);
        if (theirs.file().size() != file.bytes() || !Arrays.equals(theirs.bytes(), ours)) {
          throw new SecondWriterException(
              location + ": somebody else writes to this replica: the file is not ours", e);
        }
      }
    }
  }

  private static ByteBuffer read(FileChannel file, long offset, int bytes) throws IOException {
    ByteBuffer dst = ByteBuffer.allocate(bytes);
    while (dst.hasRemaining()) {
      if (file.read(dst, offset + dst.position()) < 0) {
        throw new IOException("a file of " + file.size() + " bytes is no LTX file");
      }
    }
    return dst.flip();
  }

  private <T> T await(CompletableFuture<T> call, String what) throws IOException {
    try {
      return call.get(limit.toNanos(), TimeUnit.NANOSECONDS);
    } catch (ExecutionException e) {
      if (e.getCause() instanceof ReplicaException known) {
        throw known;
      }
      throw new IOException(what + ": " + e.getCause(), e);
    } catch (TimeoutException e) {
      call.cancel(true);
      throw new ReplicaException.Unavailable(
          what + ": no answer within " + limit.toSeconds() + " s", e);
    } catch (InterruptedException e) {
      call.cancel(true);
      Thread.currentThread().interrupt();
      throw new InterruptedIOException(what + ": interrupted");
    }
  }
}
