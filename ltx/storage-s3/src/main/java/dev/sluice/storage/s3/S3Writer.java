package dev.sluice.storage.s3;

import dev.sluice.storage.LtxFile;
import dev.sluice.storage.LtxFileName;
import dev.sluice.storage.ReplicaClient;
import dev.sluice.storage.ReplicaException;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;
import software.amazon.awssdk.core.async.AsyncRequestBody;
import software.amazon.awssdk.services.s3.S3AsyncClient;
import software.amazon.awssdk.services.s3.model.CompleteMultipartUploadResponse;
import software.amazon.awssdk.services.s3.model.CompletedPart;
import software.amazon.awssdk.services.s3.model.CreateMultipartUploadResponse;

/**
 * Stores files that must not exist yet: small ones in one request, large ones in parts. What an
 * upload in parts leaves behind when it fails is removed, as well as that can be done. Thread-safe.
 */
@SuppressWarnings("FutureReturnValueIgnored") // whenComplete returns what is known already
final class S3Writer {
  /** What is read of a file at once; the SDK's own 16 KiB cost as much as the sending. */
  private static final int READ_BYTES = 256 << 10;

  private final S3AsyncClient client;
  private final S3Objects objects;
  private final S3Requests requests;

  S3Writer(S3AsyncClient client, S3Objects objects, S3Requests requests) {
    this.client = client;
    this.objects = objects;
    this.requests = requests;
  }

  /** One file to be stored. */
  record Source(
      LtxFileName name,
      String key,
      Path content,
      long size,
      Instant timestamp,
      ReplicaClient.Progress progress) {
    /** A small file is read once, not for its signature and then again. */
    AsyncRequestBody whole(String text) {
      return new S3ToldBody(size <= READ_BYTES ? inMemory(text) : inFile(text, 0, size), progress);
    }

    private AsyncRequestBody inMemory(String text) {
      try {
        byte[] bytes = Files.readAllBytes(content);
        checkSize(bytes.length);
        return AsyncRequestBody.fromBytesUnsafe(bytes);
      } catch (IOException e) {
        throw changed(text, e);
      }
    }

    private AsyncRequestBody inFile(String text, long offset, long bytes) {
      checkUnchanged(text);
      return AsyncRequestBody.fromFile(
          file ->
              file.path(content)
                  .position(offset)
                  .numBytesToRead(bytes)
                  .chunkSizeInBytes(READ_BYTES));
    }

    AsyncRequestBody part(String text, long offset, long bytes) {
      return new S3ToldBody(inFile(text, offset, bytes), progress);
    }

    /** Nothing of a file that is gone or shorter by now is sent, and no outcome is unknown. */
    private void checkUnchanged(String text) {
      try {
        checkSize(Files.size(content));
      } catch (IOException e) {
        throw changed(text, e);
      }
    }

    private void checkSize(long now) throws IOException {
      if (now != size) {
        throw new IOException("its size was " + size + " and is " + now);
      }
    }

    private static UncheckedIOException changed(String text, IOException why) {
      return new UncheckedIOException(
          new ReplicaException.Denied(text + ": the local file is not as it was: " + why, why));
    }

    LtxFile stored(@Nullable String eTag) {
      String version =
          S3Objects.version(eTag)
              .orElseThrow(() -> new IllegalStateException("answer without ETag"));
      return new LtxFile(name, size, timestamp, version);
    }
  }

  S3Call<LtxFile> create(String text, Source source) {
    if (source.size() < objects.settings().partBytes()) {
      return requests.start(
          new S3Operation(text, "PutObject", S3Operation.Kind.WRITE),
          () ->
              client.putObject(
                  objects.create(source.key(), source.timestamp()), source.whole(text)),
          answer -> source.stored(answer.eTag()));
    }
    // Until the parts are put together nothing is visible, so a failure before that changed
    // nothing.
    S3Operation begin =
        new S3Operation(text, "CreateMultipartUpload", S3Operation.Kind.READ_BUCKET);
    S3Call<CreateMultipartUploadResponse> upload =
        requests.start(
            begin,
            () ->
                client.createMultipartUpload(
                    objects.createInParts(source.key(), source.timestamp())));
    return requests.then(begin, upload, answer -> writeParts(text, source, answer.uploadId()));
  }

  private S3Call<LtxFile> writeParts(String text, Source source, String uploadId) {
    S3Operation write = new S3Operation(text, "UploadPart", S3Operation.Kind.READ_BUCKET);
    S3Call<CompletedPart[]> parts =
        new S3Upload(client, objects, requests, write, new S3Upload.Place(source, uploadId))
            .start();
    S3Operation join = new S3Operation(text, "CompleteMultipartUpload", S3Operation.Kind.WRITE);
    S3Call<LtxFile> file =
        requests.then(
            write,
            parts,
            all ->
                requests.start(
                    join,
                    () -> complete(source.key(), uploadId, all),
                    answer -> source.stored(answer.eTag())));
    file.whenComplete(
        (stored, failure) -> {
          if (failure != null) {
            // A part that arrives after the upload was aborted stays.
            parts.cancel(true);
            abandon(source.key(), uploadId);
          }
        });
    return file;
  }

  private CompletableFuture<CompleteMultipartUploadResponse> complete(
      String key, String uploadId, CompletedPart[] parts) {
    return client.completeMultipartUpload(
        objects.complete(key, uploadId).multipartUpload(all -> all.parts(parts)).build());
  }

  /**
   * Best effort: a bucket's lifecycle rule removes what is left. After an unknown outcome it fails
   * if the file is there, and hurts nothing.
   */
  private void abandon(String key, String uploadId) {
    try {
      CompletableFuture<?> ignored =
          client.abortMultipartUpload(
              abort -> abort.bucket(objects.settings().bucket()).key(key).uploadId(uploadId));
    } catch (RuntimeException e) {
      // The client is closed.
    }
  }
}
