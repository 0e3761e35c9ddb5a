package dev.sluice.storage.history;

import dev.sluice.ltx.Txid;
import dev.sluice.storage.Layout;
import dev.sluice.storage.LtxFile;
import dev.sluice.storage.LtxFileName;
import dev.sluice.storage.ReplicaClient;
import dev.sluice.storage.ReplicaException;
import dev.sluice.storage.SideObjects;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.Arrays;
import java.util.Collection;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;

/**
 * A client of a {@link MemoryReplica}. It has no threads: every future is complete when it is
 * returned. Thread-safe.
 */
final class MemoryReplicaClient implements ReplicaClient {
  private final MemoryReplica replica;
  private volatile boolean isClosed;

  MemoryReplicaClient(MemoryReplica replica) {
    this.replica = replica;
  }

  @Override
  public String location() {
    return replica.location();
  }

  @Override
  public String location(LtxFileName name) {
    return replica.location() + "/" + Layout.DIRECTORY.key("", name);
  }

  @Override
  public CompletableFuture<List<LtxFile>> list(int level, Txid from) {
    if (level < 0 || level > LtxFileName.SNAPSHOT_LEVEL) {
      throw new IllegalArgumentException("level " + level);
    }
    return completed(
        () -> {
          replica.countList();
          return replica.listed(level, from);
        });
  }

  @Override
  public CompletableFuture<byte[]> read(LtxFile file, long offset, int length) {
    if (length < 0 || offset < 0 || offset > file.size() - length) {
      throw new IllegalArgumentException(length + " bytes at " + offset + " of " + file);
    }
    return completed(
        () -> Arrays.copyOfRange(contentOf(file), (int) offset, (int) offset + length));
  }

  @Override
  public CompletableFuture<Tail> readTail(LtxFileName name, int length) {
    if (length < 1) {
      throw new IllegalArgumentException("a tail of " + length + " bytes");
    }
    return completed(
        () -> {
          MemoryReplica.Stored stored = stored(name);
          int size = stored.content().length;
          byte[] tail = Arrays.copyOfRange(stored.content(), Math.max(0, size - length), size);
          return new Tail(stored.file(), tail);
        });
  }

  @Override
  public CompletableFuture<InputStream> open(LtxFile file) {
    return completed(() -> new ByteArrayInputStream(contentOf(file)));
  }

  @Override
  public CompletableFuture<LtxFile> createIfAbsent(
      LtxFileName name, Path content, Instant timestamp, Progress progress) {
    return completed(
        () -> {
          byte[] bytes = Files.readAllBytes(content);
          progress.took(bytes.length);
          Optional<LtxFile> created = replica.putIfAbsent(name, bytes, timestamp);
          return created.orElseThrow(
              () -> new ReplicaException.Conflict(location(name) + ": exists"));
        });
  }

  @Override
  public CompletableFuture<Void> delete(Collection<LtxFileName> names) {
    CompletableFuture<Boolean> deleted =
        completed(
            () -> {
              replica.delete(names);
              return true;
            });
    return deleted.thenAccept(done -> {});
  }

  private byte[] contentOf(LtxFile file) throws ReplicaException {
    MemoryReplica.Stored stored = stored(file.name());
    if (!stored.file().version().equals(file.version())) {
      throw new ReplicaException.Conflict(location(file.name()) + ": is another file now");
    }
    return stored.content();
  }

  private MemoryReplica.Stored stored(LtxFileName name) throws ReplicaException {
    replica.countGet();
    return replica
        .find(name)
        .orElseThrow(() -> new ReplicaException.NotFound(location(name) + ": not found"));
  }

  private <T> CompletableFuture<T> completed(Callable<T> call) {
    CompletableFuture<T> result = new CompletableFuture<>();
    try {
      if (isClosed) {
        throw new ReplicaException.Denied(location() + ": the client is closed");
      }
      result.complete(call.call());
    } catch (IOException e) {
      result.completeExceptionally(e);
    } catch (Exception e) {
      throw new IllegalStateException(e);
    }
    return result;
  }

  @Override
  public SideObjects objects() {
    return replica.objects();
  }

  @Override
  public void close() {
    isClosed = true;
  }
}
