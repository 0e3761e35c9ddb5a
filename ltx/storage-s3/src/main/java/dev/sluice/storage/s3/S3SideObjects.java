package dev.sluice.storage.s3;

import dev.sluice.storage.ReplicaException;
import dev.sluice.storage.SideObject;
import dev.sluice.storage.SideObjects;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import software.amazon.awssdk.core.async.AsyncRequestBody;
import software.amazon.awssdk.services.s3.S3AsyncClient;
import software.amazon.awssdk.services.s3.model.PutObjectRequest;

/** Objects under the replica's path, by S3's conditional writes. Thread-safe. */
@SuppressWarnings("FutureReturnValueIgnored") // whenComplete returns what is known already
final class S3SideObjects implements SideObjects {
  private final S3AsyncClient client;
  private final S3Objects objects;
  private final S3Requests requests;
  private final Place place;

  /** Where the replica is: for messages, and as the beginning of every key. */
  record Place(String location, String path) {}

  S3SideObjects(S3AsyncClient client, S3Objects objects, S3Requests requests, Place place) {
    this.client = client;
    this.objects = objects;
    this.requests = requests;
    this.place = place;
  }

  @Override
  public CompletableFuture<Optional<SideObject>> read(String name) {
    S3Operation operation =
        new S3Operation(text("read", name), "GetObject", S3Operation.Kind.READ_OBJECT);
    String key = key(name);
    S3Call<Optional<SideObject>> read = requests.track(operation);
    S3Call<SideObject> found =
        requests.start(
            operation,
            () -> client.getObject(objects.get(key).build(), new S3Body(BYTES_MAX)),
            body -> new SideObject(body.bytes(), version(operation, body.head().eTag())));
    read.follow(found);
    found.whenComplete(
        (object, failure) -> {
          if (failure instanceof ReplicaException.NotFound) {
            read.succeed(Optional.empty());
          } else if (failure != null) {
            read.fail(failure);
          } else {
            read.succeed(Optional.of(object));
          }
        });
    return read;
  }

  @Override
  public CompletableFuture<String> create(String name, byte[] content) {
    return write("create", name, content, put -> put.ifNoneMatch(S3Objects.IF_NONE));
  }

  @Override
  public CompletableFuture<String> replace(String name, byte[] content, String version) {
    return write("replace", name, content, put -> put.ifMatch(S3Objects.ifMatch(version)));
  }

  private CompletableFuture<String> write(
      String verb,
      String name,
      byte[] content,
      Function<PutObjectRequest.Builder, PutObjectRequest.Builder> condition) {
    S3Operation operation = new S3Operation(text(verb, name), "PutObject", S3Operation.Kind.WRITE);
    PutObjectRequest request = condition.apply(objects.put(key(name))).build();
    return requests.start(
        operation,
        () -> client.putObject(request, AsyncRequestBody.fromBytes(content)),
        answer -> version(operation, answer.eTag()));
  }

  @Override
  public CompletableFuture<Void> delete(String name) {
    S3Operation operation =
        new S3Operation(text("delete", name), "DeleteObject", S3Operation.Kind.WRITE);
    String key = key(name);
    S3Call<Void> call = requests.track(operation);
    S3Call<Boolean> deleted =
        requests.start(
            operation,
            () ->
                client.deleteObject(delete -> delete.bucket(objects.settings().bucket()).key(key)),
            answer -> true);
    call.follow(deleted);
    requests.whenDone(operation, call, deleted, done -> call.complete(null));
    return call;
  }

  private String version(S3Operation operation, @Nullable String eTag) throws ReplicaException {
    return S3Objects.version(eTag)
        .orElseThrow(
            () ->
                requests
                    .failures()
                    .withoutAnswer(
                        operation, "answer without ETag", new IllegalStateException("no ETag")));
  }

  private String key(String name) {
    SideObjects.requireName(name);
    return place.path().isEmpty() ? name : place.path() + "/" + name;
  }

  private String text(String verb, String name) {
    return verb + " " + place.location() + "/" + name;
  }
}
