package dev.sluice.replicator.upload;

import dev.sluice.ltx.LtxTrailer;
import dev.sluice.storage.LtxFile;
import dev.sluice.storage.LtxFileName;
import dev.sluice.storage.ReplicaClient;
import dev.sluice.storage.ReplicaException;
import java.io.EOFException;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.file.Path;
import java.time.Instant;
import java.util.Arrays;
import java.util.Collection;

/**
 * Stores LTX files under names that nobody else has taken. One attempt for each call; whoever calls
 * tries again. An attempt without an answer may have succeeded: what is there then is compared with
 * what was to be stored, by size and trailer, and the trailer has the checksum of all the rest.
 * Thread-safe as the client is.
 */
public final class ReplicaWriter {
  private final ReplicaClient client;
  private final CallLimit limit;
  private final WriteGuard guard;

  /** As the other, and asks nothing before it writes. */
  public ReplicaWriter(ReplicaClient client, CallLimit limit) {
    this(client, limit, WriteGuard.none());
  }

  /**
   * Takes a client that makes one attempt for each call.
   *
   * @param guard asked before each write and delete
   */
  public ReplicaWriter(ReplicaClient client, CallLimit limit, WriteGuard guard) {
    this.client = client;
    this.limit = limit;
    this.guard = guard;
  }

  public ReplicaClient client() {
    return client;
  }

  public CallLimit limit() {
    return limit;
  }

  /**
   * Stores a file, unless it is there already.
   *
   * @param timestamp of its header
   * @return the file as it is stored
   * @throws SecondWriterException if there is another under its name
   * @throws ReplicaException if it is not stored, or that is not known: to be called again
   */
  public LtxFile create(LtxFileName name, Path content, Instant timestamp) throws IOException {
    byte[] ours = trailer(content);
    long bytes = content.toFile().length();
    String location = client.location(name);
    guard.require(this);
    try {
      return limit.awaitUpload(
          progress -> client.createIfAbsent(name, content, timestamp, progress),
          bytes,
          "write " + location);
    } catch (ReplicaException.Conflict e) {
      return requireOurs(name, bytes, ours, e);
    } catch (ReplicaException.OutcomeUnknown e) {
      try {
        return requireOurs(name, bytes, ours, e);
      } catch (ReplicaException nobodyKnows) {
        e.addSuppressed(nobodyKnows);
        throw e;
      }
    }
  }

  /**
   * Makes sure that a stored file is the same as a local one.
   *
   * @throws SecondWriterException if it is not
   * @throws ReplicaException if that cannot be told now
   */
  public void requireSame(LtxFileName name, Path content) throws IOException {
    ReplicaException none = new ReplicaException.Conflict(client.location(name) + ": another file");
    LtxFile unused = requireOurs(name, content.toFile().length(), trailer(content), none);
  }

  private LtxFile requireOurs(LtxFileName name, long bytes, byte[] ours, ReplicaException cause)
      throws IOException {
    String location = client.location(name);
    ReplicaClient.Tail theirs =
        limit.await(client.readTail(name, LtxTrailer.BYTES), "read tail of " + location);
    if (theirs.file().size() != bytes || !Arrays.equals(theirs.bytes(), ours)) {
      throw new SecondWriterException(
          location + ": somebody else writes to this replica: the file is not ours", cause);
    }
    return theirs.file();
  }

  private static byte[] trailer(Path content) throws IOException {
    // Not a channel: an interrupt would close it.
    try (RandomAccessFile file = new RandomAccessFile(content.toFile(), "r")) {
      if (file.length() < LtxTrailer.BYTES) {
        throw new EOFException(content + " of " + file.length() + " bytes is no LTX file");
      }
      file.seek(file.length() - LtxTrailer.BYTES);
      byte[] trailer = new byte[LtxTrailer.BYTES];
      file.readFully(trailer);
      return trailer;
    }
  }

  /** Deletes files; those that do not exist count as deleted. */
  public void delete(Collection<LtxFileName> names) throws IOException {
    String what = "delete " + names.size() + " files of " + client.location();
    guard.require(this);
    limit.awaitWrite(client.delete(names), what);
  }
}
