package dev.sluice.cache;

import dev.sluice.ltx.Txid;
import dev.sluice.storage.LtxFile;
import dev.sluice.storage.LtxFileName;
import dev.sluice.storage.ReplicaClient;
import java.io.InputStream;
import java.nio.file.Path;
import java.time.Instant;
import java.util.Collection;
import java.util.List;
import java.util.concurrent.CompletableFuture;

/** A client into which tests put faults: everything else another client does. */
public class DelegatingClient implements ReplicaClient {
  protected final ReplicaClient inner;

  public DelegatingClient(ReplicaClient inner) {
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
      LtxFileName name, Path content, Instant timestamp) {
    return inner.createIfAbsent(name, content, timestamp);
  }

  @Override
  public CompletableFuture<Void> delete(Collection<LtxFileName> names) {
    return inner.delete(names);
  }

  @Override
  public void close() {
    inner.close();
  }
}
