package dev.sluice.storage;

import dev.sluice.ltx.Txid;
import java.io.InputStream;
import java.nio.file.Path;
import java.time.Instant;
import java.util.Collection;
import java.util.List;
import java.util.concurrent.CompletableFuture;

/**
 * One replica's files in one storage: what a backend must do, and nothing that it may decide.
 *
 * <p>Not for: retrying, caching, planning, or knowing what is inside a file. A client makes one
 * attempt for each call; decorators add the rest.
 *
 * <p>Every future completes exceptionally only with a {@link ReplicaException}. Cancelling a future
 * aborts its request and frees its connection. Futures complete on threads of the client, which
 * must not be blocked by what hangs on them. Thread-safe.
 */
public interface ReplicaClient extends AutoCloseable {

  /** Returns where the replica is, as a URL without query and credentials: for messages. */
  String location();

  /** Returns where a file is or would be, in the same form: for messages. Makes no request. */
  String location(LtxFileName name);

  /**
   * Lists the files of one level whose min TXID is {@code from} or later, ascending by min, then
   * max TXID. Names that are not LTX file names are left out. A level or a replica that does not
   * exist is an empty list; a bucket that does not exist is {@link ReplicaException.Denied}. A
   * level outside 0..9 is an {@link IllegalArgumentException} at once.
   */
  CompletableFuture<List<LtxFile>> list(int level, Txid from);

  /**
   * Reads {@code length} bytes at {@code offset}. The range lies inside the listed size, else
   * {@link IllegalArgumentException} at once. The array has exactly {@code length} bytes: an answer
   * of another length is {@link ReplicaException.Unavailable}.
   *
   * <p>{@link ReplicaException.NotFound} if the file is gone; {@link ReplicaException.Conflict} if
   * it is no longer the one that was listed (If-Match on its version).
   */
  CompletableFuture<byte[]> read(LtxFile file, long offset, int length);

  /**
   * Reads the last {@code length} bytes (all of a shorter file; at least 1) of a file that may
   * never have been listed, in one request.
   *
   * <p>{@link ReplicaException.NotFound} if there is none.
   */
  CompletableFuture<Tail> readTail(LtxFileName name, int length);

  /**
   * Opens a whole file as a stream, with If-Match as {@link #read}. Reading the stream may block
   * its reader; it fails with a {@link ReplicaException} when the transfer breaks, stalls or ends
   * early. The caller closes it, at any point.
   */
  CompletableFuture<InputStream> open(LtxFile file);

  /**
   * Stores a local file under a name that must not exist yet, and records {@code timestamp} in the
   * storage's metadata the way Litestream does. The file is complete before it is visible. {@code
   * progress} hears of what was taken.
   *
   * <p>{@link ReplicaException.Conflict} if the name exists; {@link
   * ReplicaException.OutcomeUnknown} if no answer came.
   */
  CompletableFuture<LtxFile> createIfAbsent(
      LtxFileName name, Path content, Instant timestamp, Progress progress);

  /** As the other, and tells nobody how far it is. */
  default CompletableFuture<LtxFile> createIfAbsent(
      LtxFileName name, Path content, Instant timestamp) {
    return createIfAbsent(name, content, timestamp, bytes -> {});
  }

  /**
   * Hears how a file is taken up while it is stored: what can be told from a storage that hangs is
   * one that is slow.
   */
  @FunctionalInterface
  interface Progress {
    /**
     * So many bytes more were taken: by a connection, by a disk, or to sign them before they are
     * sent. Each byte is told once at least. Called on threads of the client, several at once, and
     * must not block.
     */
    void took(long bytes);
  }

  /** Deletes files; those that do not exist count as deleted. */
  CompletableFuture<Void> delete(Collection<LtxFileName> names);

  /**
   * Says that small files will be stored by somebody who waits for each: a client whose first calls
   * in a process are slow gets ready for that. Returns at once, and makes no request.
   */
  default void expectWrites() {}

  /** Returns the objects beside the LTX files; for the life of this client. Makes no request. */
  SideObjects objects();

  /**
   * Ends every request and thread of this client. Idempotent. Calls under way and later ones fail
   * with {@link ReplicaException.Denied}, which nobody tries again.
   */
  @Override
  void close();

  /** The end of a file, with what one answer told about the whole of it. */
  final class Tail {
    private final LtxFile file;
    private final byte[] bytes;

    /** Keeps the array. */
    public Tail(LtxFile file, byte[] bytes) {
      this.file = file;
      this.bytes = bytes;
    }

    /** Returns the file as it is now. */
    public LtxFile file() {
      return file;
    }

    /** Returns its last bytes, at most as many as were asked for. The receiver owns the array. */
    public byte[] bytes() {
      return bytes;
    }
  }
}
