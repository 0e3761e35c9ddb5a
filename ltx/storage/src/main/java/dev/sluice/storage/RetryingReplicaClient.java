package dev.sluice.storage;

import dev.sluice.ltx.Txid;
import java.io.InputStream;
import java.nio.file.Path;
import java.time.Instant;
import java.util.Collection;
import java.util.List;
import java.util.concurrent.CompletableFuture;

/**
 * Tries the calls of a client again while they fail with {@link ReplicaException.Unavailable},
 * until a deadline. Every other failure is passed on at once and unchanged. At the deadline a call
 * fails with {@code Unavailable}, which says what was done, where, how often it was tried and the
 * last failure.
 *
 * <p>An attempt that takes too long is cancelled and counts as failed; one of {@link
 * #createIfAbsent} or {@link #delete} has only the deadline, and then is {@link
 * ReplicaException.OutcomeUnknown}: nothing is written twice. Reads may have an attempt beside the
 * one that has not answered yet, if {@link Retries#besideDelay} says so. A stream is tried again
 * until it is open, not while it is read.
 *
 * <p>Light: made for one group of calls with one deadline. Closing it closes nothing. Thread-safe.
 */
public final class RetryingReplicaClient implements ReplicaClient {
  private final ReplicaClient inner;
  private final Deadline deadline;
  private final Retries retries;

  public RetryingReplicaClient(ReplicaClient inner, Deadline deadline, Retries retries) {
    this.inner = inner;
    this.deadline = deadline;
    this.retries = retries;
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
    return reading("list level " + level + " of " + location(), () -> inner.list(level, from));
  }

  @Override
  public CompletableFuture<byte[]> read(LtxFile file, long offset, int length) {
    return reading("read " + location(file.name()), () -> inner.read(file, offset, length));
  }

  @Override
  public CompletableFuture<Tail> readTail(LtxFileName name, int length) {
    return reading("read tail of " + location(name), () -> inner.readTail(name, length));
  }

  @Override
  public CompletableFuture<InputStream> open(LtxFile file) {
    return reading("open " + location(file.name()), () -> inner.open(file));
  }

  @Override
  public CompletableFuture<LtxFile> createIfAbsent(
      LtxFileName name, Path content, Instant timestamp, Progress progress) {
    return writing(
        "create " + location(name), () -> inner.createIfAbsent(name, content, timestamp, progress));
  }

  @Override
  public CompletableFuture<Void> delete(Collection<LtxFileName> names) {
    List<LtxFileName> copy = List.copyOf(names);
    return writing("delete " + copy.size() + " files of " + location(), () -> inner.delete(copy));
  }

  private <T> CompletableFuture<T> reading(String what, RetriedCall.Attempt<T> attempt) {
    return new RetriedCall<>(what, deadline, retries, attempt).startReading();
  }

  private <T> CompletableFuture<T> writing(String what, RetriedCall.Attempt<T> attempt) {
    return new RetriedCall<>(what, deadline, retries, attempt).startWriting();
  }

  /** Not tried again: whoever writes on condition must look at what is there first. */
  @Override
  public SideObjects objects() {
    return inner.objects();
  }

  @Override
  public void close() {}
}
