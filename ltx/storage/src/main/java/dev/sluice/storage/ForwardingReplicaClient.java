package dev.sluice.storage;

import dev.sluice.ltx.Txid;
import java.io.InputStream;
import java.nio.file.Path;
import java.time.Instant;
import java.util.Collection;
import java.util.List;
import java.util.concurrent.CompletableFuture;

/**
 * Passes every call on to another client, {@link #close} included: what a decorator extends that
 * changes or watches some of them. As thread-safe as the other.
 */
public abstract class ForwardingReplicaClient implements ReplicaClient {

  /** What does the work. */
  protected final ReplicaClient inner;

  protected ForwardingReplicaClient(ReplicaClient inner) {
    this.inner = inner;
  }

  @Override
  public String location() {
    return inner.location();
  }

  @Override
  public String location(LtxFileName name) {
    return inner.location(name);
  }

  @Override
  public CompletableFuture<List<LtxFile>> list(int level, Txid from) {
    return inner.list(level, from);
  }

  @Override
  public CompletableFuture<byte[]> read(LtxFile file, long offset, int length) {
    return inner.read(file, offset, length);
  }

  @Override
  public CompletableFuture<Tail> readTail(LtxFileName name, int length) {
    return inner.readTail(name, length);
  }

  @Override
  public CompletableFuture<InputStream> open(LtxFile file) {
    return inner.open(file);
  }

  @Override
  public CompletableFuture<LtxFile> createIfAbsent(
      LtxFileName name, Path content, Instant timestamp, Progress progress) {
    return inner.createIfAbsent(name, content, timestamp, progress);
  }

  @Override
  public CompletableFuture<Void> delete(Collection<LtxFileName> names) {
    return inner.delete(names);
  }

  @Override
  public void expectWrites() {
    inner.expectWrites();
  }

  @Override
  public SideObjects objects() {
    return inner.objects();
  }

  @Override
  public void close() {
    inner.close();
  }
}
