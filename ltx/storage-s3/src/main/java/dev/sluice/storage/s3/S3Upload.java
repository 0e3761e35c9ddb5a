package dev.sluice.storage.s3;

import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.Arrays;
import java.util.Deque;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReferenceArray;
import software.amazon.awssdk.core.async.AsyncRequestBody;
import software.amazon.awssdk.services.s3.S3AsyncClient;
import software.amazon.awssdk.services.s3.model.CompletedPart;

/**
 * The parts of one large file on their way, a few at once. A failure ends all of them. Thread-safe:
 * parts end on several threads.
 */
@SuppressWarnings({
  "FutureReturnValueIgnored", // whenComplete returns what is known already
  "CollectionUndefinedEquality" // futures are meant by identity
})
final class S3Upload {
  private final S3AsyncClient client;
  private final S3Objects objects;
  private final String key;
  private final String uploadId;
  private final Path content;
  private final long size;
  private final long partBytes;
  private final int partCount;
  private final AtomicInteger started = new AtomicInteger();
  private final AtomicInteger done = new AtomicInteger();
  private final AtomicReferenceArray<CompletedPart> parts;
  private final Deque<CompletableFuture<?>> underWay = new ArrayDeque<>();
  private final CompletableFuture<CompletedPart[]> all = new CompletableFuture<>();

  S3Upload(S3AsyncClient client, S3Objects objects, Place place, Path content, long size) {
    this.client = client;
    this.objects = objects;
    this.key = place.key();
    this.uploadId = place.uploadId();
    this.content = content;
    this.size = size;
    // At most 10,000 parts, so the parts of a very large file are larger.
    this.partBytes = Math.max(objects.settings().partBytes(), (size + PARTS_MAX - 1) / PARTS_MAX);
    this.partCount = Math.toIntExact((size + partBytes - 1) / partBytes);
    this.parts = new AtomicReferenceArray<>(partCount);
  }

  private static final int PARTS_MAX = 10_000;

  /** Where the parts go. */
  record Place(String key, String uploadId) {}

  /**
   * Starts the first parts; the future gives all of them in order. Cancelling it ends what is under
   * way.
   */
  CompletableFuture<CompletedPart[]> start() {
    all.whenComplete((parts, failure) -> abort(failure));
    for (int i = 0; i < Math.min(objects.settings().partsAtOnce(), partCount); i++) {
      startNext();
    }
    return all;
  }

  private void abort(Throwable failure) {
    if (failure != null) {
      CompletableFuture<?>[] open;
      synchronized (underWay) {
        open = underWay.toArray(CompletableFuture<?>[]::new);
      }
      Arrays.stream(open).forEach(part -> part.cancel(true));
    }
  }

  private void startNext() {
    int i = started.getAndIncrement();
    if (i >= partCount || all.isDone()) {
      return;
    }
    long offset = i * partBytes;
    long bytes = Math.min(partBytes, size - offset);
    AsyncRequestBody body =
        AsyncRequestBody.fromFile(
            file -> file.path(content).position(offset).numBytesToRead(bytes));
    CompletableFuture<CompletedPart> part =
        client
            .uploadPart(objects.part(key, uploadId, i + 1), body)
            .thenApply(
                answer -> CompletedPart.builder().partNumber(i + 1).eTag(answer.eTag()).build());
    synchronized (underWay) {
      underWay.add(part);
    }
    part.whenComplete(
        (completed, failure) -> {
          synchronized (underWay) {
            underWay.remove(part);
          }
          take(i, completed, failure);
        });
  }

  private void take(int i, CompletedPart part, Throwable failure) {
    if (failure != null) {
      all.completeExceptionally(failure);
      return;
    }
    parts.set(i, part);
    if (done.incrementAndGet() == partCount) {
      CompletedPart[] inOrder = new CompletedPart[partCount];
      Arrays.setAll(inOrder, parts::get);
      all.complete(inOrder);
    } else {
      startNext();
    }
  }
}
