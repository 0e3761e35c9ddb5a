package dev.sluice.storage.s3;

import java.util.Arrays;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReferenceArray;
import org.jspecify.annotations.Nullable;
import software.amazon.awssdk.services.s3.S3AsyncClient;
import software.amazon.awssdk.services.s3.model.CompletedPart;

/**
 * The parts of one large file on their way, a few at once. A failure ends all of them. Thread-safe:
 * parts end on several threads.
 */
@SuppressWarnings("FutureReturnValueIgnored") // whenComplete returns what is known already
final class S3Upload {
  private final S3AsyncClient client;
  private final S3Objects objects;
  private final S3Requests requests;
  private final S3Operation operation;
  private final Place place;
  private final long partBytes;
  private final int partCount;
  private final AtomicInteger started = new AtomicInteger();
  private final AtomicInteger done = new AtomicInteger();
  private final AtomicReferenceArray<CompletedPart> parts;
  private final Set<S3Call<?>> underWay = ConcurrentHashMap.newKeySet();
  private final S3Call<CompletedPart[]> all;

  S3Upload(
      S3AsyncClient client,
      S3Objects objects,
      S3Requests requests,
      S3Operation operation,
      Place place) {
    this.client = client;
    this.objects = objects;
    this.requests = requests;
    this.operation = operation;
    this.place = place;
    // At most 10,000 parts, so the parts of a very large file are larger.
    long size = place.source().size();
    this.partBytes = Math.max(objects.settings().partBytes(), (size + PARTS_MAX - 1) / PARTS_MAX);
    this.partCount = Math.toIntExact((size + partBytes - 1) / partBytes);
    this.parts = new AtomicReferenceArray<>(partCount);
    this.all = requests.track(operation);
  }

  private static final int PARTS_MAX = 10_000;

  /** What is sent, and where its parts go. */
  record Place(S3Writer.Source source, String uploadId) {}

  /**
   * Starts the first parts; the call gives all of them in order. What ends it early ends what is
   * under way.
   */
  S3Call<CompletedPart[]> start() {
    all.whenComplete((parts, failure) -> abort(failure));
    for (int i = 0; i < Math.min(objects.settings().partsAtOnce(), partCount); i++) {
      startNext();
    }
    return all;
  }

  private void abort(@Nullable Throwable failure) {
    if (failure != null) {
      underWay.forEach(part -> part.cancel(true));
    }
  }

  private void startNext() {
    int i = started.getAndIncrement();
    if (i >= partCount || all.isDone()) {
      return;
    }
    long offset = i * partBytes;
    long bytes = Math.min(partBytes, place.source().size() - offset);
    S3Call<CompletedPart> part =
        requests.start(
            operation,
            () ->
                client.uploadPart(
                    objects.part(place.source().key(), place.uploadId(), i + 1),
                    place.source().part(operation.text(), offset, bytes)),
            answer -> CompletedPart.builder().partNumber(i + 1).eTag(answer.eTag()).build());
    underWay.add(part);
    requests.whenDone(operation, all, part, completed -> take(i, completed));
    part.whenComplete((completed, failure) -> underWay.remove(part));
    if (all.isCompletedExceptionally()) {
      part.cancel(true);
    }
  }

  private void take(int i, CompletedPart part) {
    parts.set(i, part);
    if (done.incrementAndGet() == partCount) {
      CompletedPart[] inOrder = new CompletedPart[partCount];
      Arrays.setAll(inOrder, parts::get);
      all.succeed(inOrder);
    } else {
      startNext();
    }
  }
}
