package dev.sluice.storage.s3;

import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.util.concurrent.CompletableFuture;
import software.amazon.awssdk.core.async.AsyncResponseTransformer;
import software.amazon.awssdk.core.async.SdkPublisher;
import software.amazon.awssdk.services.s3.model.GetObjectResponse;

/**
 * Hands a stream to its caller as soon as the answer's head is there, and ends with the last byte:
 * until then the SDK's request is under way and can be aborted. Confined to the SDK's calls, one
 * after another.
 */
final class S3StreamOpener implements AsyncResponseTransformer<GetObjectResponse, Long> {
  private final S3Stream stream;
  private final S3Call<InputStream> opened;
  private boolean isOfListedLength;

  S3StreamOpener(S3Stream stream, S3Call<InputStream> opened) {
    this.stream = stream;
    this.opened = opened;
  }

  @Override
  public CompletableFuture<Long> prepare() {
    return stream.ended();
  }

  @Override
  public void onResponse(GetObjectResponse head) {
    isOfListedLength = head.contentLength() != null && head.contentLength() == stream.length();
  }

  @Override
  public void onStream(SdkPublisher<ByteBuffer> publisher) {
    if (isOfListedLength) {
      publisher.subscribe(stream);
      opened.succeed(stream);
    } else {
      stream.close();
      publisher.subscribe(stream);
      exceptionOccurred(
          new IOException(
              "answer of another length than the " + stream.length() + " bytes that were listed"));
    }
  }

  @Override
  public void exceptionOccurred(Throwable failure) {
    stream.ended().completeExceptionally(failure);
  }
}
