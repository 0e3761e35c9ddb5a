package dev.sluice.storage.s3;

import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.util.concurrent.CompletableFuture;
import software.amazon.awssdk.core.async.AsyncResponseTransformer;
import software.amazon.awssdk.core.async.SdkPublisher;
import software.amazon.awssdk.services.s3.model.GetObjectResponse;

/** Gives a stream as soon as the answer's head is there. Confined to the SDK's calls, one after another. */
final class S3StreamOpener implements AsyncResponseTransformer<GetObjectResponse, InputStream> {
  private final S3Stream stream;
  private final long length;
  private CompletableFuture<InputStream> result = new CompletableFuture<>();
  private volatile boolean hasLength;

  S3StreamOpener(S3Stream stream, long length) {
    this.stream = stream;
    this.length = length;
  }

  @Override
  public CompletableFuture<InputStream> prepare() {
    result = new CompletableFuture<>();
    return result;
  }

  @Override
  public void onResponse(GetObjectResponse head) {
    hasLength = head.contentLength() != null && head.contentLength() == length;
  }

  @Override
  public void onStream(SdkPublisher<ByteBuffer> publisher) {
    if (!hasLength) {
      stream.close();
    }
    publisher.subscribe(stream);
    if (!hasLength) {
      result.completeExceptionally(new IOException("answer of another length than the " + length + " bytes that were listed"));
    } else if (!result.complete(stream)) {
      stream.close();
    }
  }

  @Override
  public void exceptionOccurred(Throwable failure) {
    if (!result.completeExceptionally(failure)) {
      stream.onError(failure);
    }
  }
}
