package dev.sluice.storage;

import dev.sluice.ltx.Txid;
import java.io.InputStream;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.concurrent.CompletableFuture;

/**
 * A client whose every call is a future that the test completes as it likes. Confined to one
 * thread.
 */
final class ScriptedReplicaClient implements ReplicaClient {
  private final List<CompletableFuture<?>> calls = new ArrayList<>();
  boolean isClosed;

  /** Returns how many calls were made. */
  int count() {
    return calls.size();
  }

  /** Returns the newest call. */
  <T> CompletableFuture<T> last() {
    return call(calls.size() - 1);
  }

  /** Returns a call by its number from 0. */
  @SuppressWarnings("unchecked") // the test knows which it made
  <T> CompletableFuture<T> call(int number) {
    return (CompletableFuture<T>) calls.get(number);
  }

  void failLast(Exception failure) {
    calls.get(calls.size() - 1).completeExceptionally(failure);
  }

  private <T> CompletableFuture<T> newCall() {
    CompletableFuture<T> call = new CompletableFuture<>();
    calls.add(call);
    return call;
  }

  @Override
  public String location() {
    return "test://bucket/db";
  }

  @Override
  public String location(LtxFileName name) {
    return location() + "/" + Layout.OBJECT_STORE.key("", name);
  }

  @Override
  public CompletableFuture<List<LtxFile>> list(int level, Txid from) {
    return newCall();
  }

  @Override
  public CompletableFuture<byte[]> read(LtxFile file, long offset, int length) {
    if (offset + length > file.size()) {
      throw new IllegalArgumentException("outside");
    }
    return newCall();
  }

  @Override
  public CompletableFuture<Tail> readTail(LtxFileName name, int length) {
    return newCall();
  }

  @Override
  public CompletableFuture<InputStream> open(LtxFile file) {
    return newCall();
  }

  @Override
  public CompletableFuture<LtxFile> createIfAbsent(
      LtxFileName name, Path content, Instant timestamp, Progress progress) {
    return newCall();
  }

  @Override
  public CompletableFuture<Void> delete(Collection<LtxFileName> names) {
    return newCall();
  }

  @Override
  public SideObjects objects() {
    throw new UnsupportedOperationException();
  }

  @Override
  public void close() {
    isClosed = true;
  }
}
