package dev.sluice.storage;

import dev.sluice.ltx.Txid;
import java.io.FilterInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Path;
import java.time.Instant;
import java.util.Collection;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;

/**
 * Counts every call of a client in a {@link RequestMeter}. It stands inside {@link
 * RetryingReplicaClient}, so that each attempt counts. Closing it closes the inner client.
 * Thread-safe.
 */
public final class MeteringReplicaClient implements ReplicaClient {
  private final ReplicaClient inner;
  private final RequestMeter meter;

  public MeteringReplicaClient(ReplicaClient inner, RequestMeter meter) {
    this.inner = inner;
    this.meter = meter;
  }

  public RequestMeter meter() {
    return meter;
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
    CompletableFuture<List<LtxFile>> listing = watched(inner.list(level, from));
    meter.countList();
    return listing;
  }

  /**
   * Bytes are counted by the inner future's own completion, which the returned future is:
   * cancelling it stays possible.
   */
  @Override
  public CompletableFuture<byte[]> read(LtxFile file, long offset, int length) {
    CompletableFuture<byte[]> reading = watched(inner.read(file, offset, length));
    meter.countGet();
    return Futures.peek(reading, bytes -> meter.addBytes(bytes.length));
  }

  @Override
  public CompletableFuture<Tail> readTail(LtxFileName name, int length) {
    CompletableFuture<Tail> reading = watched(inner.readTail(name, length));
    meter.countGet();
    return Futures.peek(reading, tail -> meter.addBytes(tail.bytes().length));
  }

  @Override
  public CompletableFuture<InputStream> open(LtxFile file) {
    CompletableFuture<InputStream> opening = watched(inner.open(file));
    meter.countGet();
    return Futures.map(opening, in -> new MeteredStream(in, meter));
  }

  @Override
  public CompletableFuture<LtxFile> createIfAbsent(
      LtxFileName name, Path content, Instant timestamp, Progress progress) {
    CompletableFuture<LtxFile> creating =
        watched(inner.createIfAbsent(name, content, timestamp, progress));
    meter.countPut();
    return Futures.peek(creating, file -> meter.addSentBytes(file.size()));
  }

  @Override
  public CompletableFuture<Void> delete(Collection<LtxFileName> names) {
    CompletableFuture<Void> deleting = watched(inner.delete(names));
    meter.countDelete();
    return deleting;
  }

  private <T> CompletableFuture<T> watched(CompletableFuture<T> request) {
    CompletableFuture<T> unused =
        request.whenComplete(
            (answer, failure) -> {
              if (failure != null && !(failure instanceof ReplicaException.NotFound)) {
                meter.countFailure();
              }
            });
    return request;
  }

  @Override
  public void expectWrites() {
    inner.expectWrites();
  }

  @Override
  public SideObjects objects() {
    return new MeteredObjects(inner.objects(), meter);
  }

  @Override
  public void close() {
    inner.close();
  }

  private record MeteredObjects(SideObjects inner, RequestMeter meter) implements SideObjects {

    @Override
    public CompletableFuture<Optional<SideObject>> read(String name) {
      CompletableFuture<Optional<SideObject>> reading = inner.read(name);
      meter.countGet();
      return reading;
    }

    @Override
    public CompletableFuture<String> create(String name, byte[] content) {
      CompletableFuture<String> creating = inner.create(name, content);
      meter.countPut();
      return creating;
    }

    @Override
    public CompletableFuture<String> replace(String name, byte[] content, String version) {
      CompletableFuture<String> replacing = inner.replace(name, content, version);
      meter.countPut();
      return replacing;
    }

    @Override
    public CompletableFuture<Void> delete(String name) {
      CompletableFuture<Void> deleting = inner.delete(name);
      meter.countDelete();
      return deleting;
    }
  }

  private static final class MeteredStream extends FilterInputStream {
    private final RequestMeter meter;

    MeteredStream(InputStream in, RequestMeter meter) {
      super(in);
      this.meter = meter;
    }

    @Override
    public int read() throws IOException {
      int b = super.read();
      meter.addBytes(b < 0 ? 0 : 1);
      return b;
    }

    @Override
    public int read(byte[] dst, int offset, int length) throws IOException {
      int count = super.read(dst, offset, length);
      meter.addBytes(Math.max(0, count));
      return count;
    }

    @Override
    public long skip(long count) throws IOException {
      long skipped = super.skip(count);
      meter.addBytes(skipped);
      return skipped;
    }
  }
}
