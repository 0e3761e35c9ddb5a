package dev.sluice.storage.s3;

import dev.sluice.ltx.Txid;
import dev.sluice.storage.Environment;
import dev.sluice.storage.Layout;
import dev.sluice.storage.LtxFile;
import dev.sluice.storage.LtxFileName;
import dev.sluice.storage.ReplicaClient;
import dev.sluice.storage.ReplicaException;
import dev.sluice.storage.ReplicaUrl;
import dev.sluice.storage.SideObjects;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;
import software.amazon.awssdk.services.s3.S3AsyncClient;
import software.amazon.awssdk.services.s3.model.DeleteObjectsRequest;
import software.amazon.awssdk.services.s3.model.DeleteObjectsResponse;
import software.amazon.awssdk.services.s3.model.GetObjectRequest;
import software.amazon.awssdk.services.s3.model.GetObjectResponse;
import software.amazon.awssdk.services.s3.model.ObjectIdentifier;
import software.amazon.awssdk.services.s3.model.S3Error;

/**
 * A replica in a bucket.
 *
 * <p>The HTTP client under the SDK is Netty, not AWS CRT, though on 2 cores beside the server CRT
 * answers the first 4 KiB GET 0.3 s sooner (0.67 s after the JVM's start) and ranged GETs in two
 * thirds of the time (0.45 ms one after another). CRT is native code, and a request that begins
 * while its client is closed ends the process there: requests cancelled at random under clients
 * that were closed did so within seven seconds (version 0.48.4), by its own assertion or with
 * SIGSEGV.
 *
 * <p>A listing tells when an object was modified, not its metadata: {@link LtxFile#created} from
 * {@link #list} is the former, from {@link #readTail} the latter where it is there. Thread-safe.
 */
@SuppressWarnings("FutureReturnValueIgnored") // whenComplete returns what is known already
final class S3ReplicaClient implements ReplicaClient {
  private static final int DELETE_MAX = 1000;
  private static final Duration STALL_LIMIT = Duration.ofSeconds(30);

  /**
   * For a whole file: its reader sets the pace, and the stall limit is what ends it when it breaks.
   */
  private static final Duration TRANSFER_LIMIT = Duration.ofHours(24);

  private final String location;
  private final String path;
  private final S3SharedConnection connection;
  private final S3AsyncClient client;
  private final S3Objects objects;
  private final S3Requests requests;
  private final S3Writer writer;
  private final S3SideObjects sideObjects;
  private final Duration stallLimit;

  private S3ReplicaClient(
      ReplicaUrl url, S3Settings settings, S3SharedConnection connection, Duration stallLimit) {
    this.location = url.location();
    this.path = url.path();
    this.connection = connection;
    this.client = connection.client();
    this.objects = new S3Objects(settings);
    this.requests = new S3Requests(new S3Failures(settings), connection.starts());
    this.writer = new S3Writer(client, objects, requests);
    this.sideObjects =
        new S3SideObjects(client, objects, requests, new S3SideObjects.Place(location, path));
    this.stallLimit = stallLimit;
  }

  /** Returns a client that has made no request yet. */
  static S3ReplicaClient open(ReplicaUrl url, Environment environment) {
    return open(url, environment, STALL_LIMIT);
  }

  /**
   * As {@link #open(ReplicaUrl, Environment)}; a stream's transfer is broken when no byte comes for
   * {@code stallLimit}.
   */
  static S3ReplicaClient open(ReplicaUrl url, Environment environment, Duration stallLimit) {
    S3Settings settings = S3Settings.of(url, environment);
    return new S3ReplicaClient(
        url, settings, S3SharedConnection.open(settings, environment), stallLimit);
  }

  @Override
  public String location() {
    return location;
  }

  @Override
  public String location(LtxFileName name) {
    return location
        + "/"
        + Layout.OBJECT_STORE.folder(name.level())
        + "/"
        + Layout.fileName(name.range());
  }

  @Override
  public CompletableFuture<List<LtxFile>> list(int level, Txid from) {
    S3Listing.LevelFrom what = new S3Listing.LevelFrom(level, from);
    String text = "list " + location + "/" + Layout.OBJECT_STORE.folder(level) + "/";
    S3Operation operation = new S3Operation(text, "ListObjectsV2", S3Operation.Kind.READ_BUCKET);
    return new S3Listing(
            client,
            requests,
            operation,
            S3Listing.firstPage(objects.settings().bucket(), path, what),
            what)
        .start();
  }

  @Override
  public CompletableFuture<byte[]> read(LtxFile file, long offset, int length) {
    if (offset < 0 || length < 0 || length > file.size() - offset) {
      throw new IllegalArgumentException(
          "offset=" + offset + " length=" + length + " is not inside " + file);
    }
    S3Operation operation =
        get("read " + location(file.name()) + " offset=" + offset + " length=" + length);
    if (length == 0) {
      S3Call<byte[]> call = requests.track(operation);
      call.succeed(new byte[0]);
      return call;
    }
    String range = "bytes=" + offset + "-" + (offset + length - 1);
    return requests.start(
        operation,
        () ->
            client.getObject(
                objects
                    .get(key(file.name()))
                    .range(range)
                    .ifMatch(S3Objects.ifMatch(file.version()))
                    .build(),
                new S3Body(length)),
        body -> {
          S3Range got = S3Range.of(body, failures(operation));
          if (!got.isBytes(offset, length)) {
            throw got.notAskedFor(range);
          }
          return body.bytes();
        });
  }

  @Override
  public CompletableFuture<Tail> readTail(LtxFileName name, int length) {
    if (length <= 0) {
      throw new IllegalArgumentException("length " + length + " of a tail is not positive");
    }
    S3Operation operation = get("read tail of " + location(name));
    S3Call<Tail> tail =
        requests.start(
            operation,
            () ->
                client.getObject(
                    objects.get(key(name)).range("bytes=-" + length).build(), new S3Body(length)),
            body -> {
              S3Range got = S3Range.of(body, failures(operation));
              if (!got.isTail(length)) {
                throw got.notAskedFor("bytes=-" + length);
              }
              return new Tail(fileOf(operation, name, body.head(), got.size()), body.bytes());
            });
    return orEmptyFile(operation, name, tail);
  }

  /**
   * An empty object has no last byte, so S3 answers 416: the file's head tells whether that is the
   * reason.
   */
  private CompletableFuture<Tail> orEmptyFile(
      S3Operation operation, LtxFileName name, S3Call<Tail> tail) {
    S3Call<Tail> both = requests.track(operation);
    both.follow(tail);
    tail.whenComplete(
        (found, failure) -> {
          if (failure == null) {
            both.succeed(found);
          } else if (!(failure instanceof ReplicaException.Conflict)) {
            both.fail(failure);
          } else {
            requests.follow(operation, both, emptyTail(operation, name));
          }
        });
    return both;
  }

  private S3Call<Tail> emptyTail(S3Operation operation, LtxFileName name) {
    S3Operation head =
        new S3Operation(operation.text(), "HeadObject", S3Operation.Kind.READ_OBJECT);
    return requests.start(
        head,
        () -> client.headObject(objects.head(key(name))),
        found -> {
          if (found.contentLength() != 0) {
            throw requests
                .failures()
                .withoutAnswer(head, "the file changed meanwhile", new IOException("not empty"));
          }
          Instant created = S3Objects.created(found.metadata(), found.lastModified());
          return new Tail(new LtxFile(name, 0, created, version(head, found.eTag())), new byte[0]);
        });
  }

  private LtxFile fileOf(S3Operation operation, LtxFileName name, GetObjectResponse head, long size)
      throws ReplicaException {
    return new LtxFile(
        name,
        size,
        S3Objects.created(head.metadata(), head.lastModified()),
        version(operation, head.eTag()));
  }

  private String version(S3Operation operation, @Nullable String eTag) throws ReplicaException {
    Optional<String> version = S3Objects.version(eTag);
    if (version.isEmpty()) {
      throw requests
          .failures()
          .withoutAnswer(operation, "answer without ETag", new IOException("no ETag"));
    }
    return version.get();
  }

  private S3Range.Broken failures(S3Operation operation) {
    return (why, cause) -> requests.failures().withoutAnswer(operation, why, cause);
  }

  @Override
  public CompletableFuture<InputStream> open(LtxFile file) {
    S3Operation operation = get("read " + location(file.name()));
    S3Stream stream = new S3Stream(file.size(), stallLimit, requests.failures(), operation);
    S3Call<InputStream> call = requests.track(operation);
    if (call.isDone()) {
      return call;
    }
    GetObjectRequest request =
        objects
            .get(key(file.name()))
            .ifMatch(S3Objects.ifMatch(file.version()))
            .overrideConfiguration(over -> over.apiCallAttemptTimeout(TRANSFER_LIMIT))
            .build();
    S3Call<Long> transfer =
        requests.start(
            operation, () -> client.getObject(request, new S3StreamOpener(stream, call)));
    call.follow(transfer);
    stream.abortBy(() -> transfer.cancel(true));
    transfer.whenComplete(
        (length, failure) -> {
          if (failure != null && !call.completeExceptionally(failure)) {
            stream.onError(failure);
          }
        });
    return call;
  }

  @Override
  public CompletableFuture<LtxFile> createIfAbsent(
      LtxFileName name, Path content, Instant timestamp, Progress progress) {
    String text = "write " + location(name);
    try {
      return writer.create(
          text,
          new S3Writer.Source(name, key(name), content, Files.size(content), timestamp, progress));
    } catch (IOException e) {
      S3Operation operation = new S3Operation(text, "PutObject", S3Operation.Kind.WRITE);
      S3Call<LtxFile> call = requests.track(operation);
      call.fail(new ReplicaException.Denied(text + ": cannot read the local file: " + e, e));
      return call;
    }
  }

  @Override
  public CompletableFuture<Void> delete(Collection<LtxFileName> names) {
    List<LtxFileName> all = List.copyOf(names);
    S3Operation operation =
        new S3Operation(
            "delete " + all.size() + " files of " + location,
            "DeleteObjects",
            S3Operation.Kind.WRITE);
    S3Call<Void> call = requests.track(operation);
    deleteFrom(operation, call, all);
    return call;
  }

  /** Deletes the first files, and when that is done the others. */
  private void deleteFrom(S3Operation operation, S3Call<Void> call, List<LtxFileName> names) {
    if (names.isEmpty()) {
      call.complete(null);
    }
    if (call.isDone()) {
      return;
    }
    List<LtxFileName> batch = names.subList(0, Math.min(DELETE_MAX, names.size()));
    List<ObjectIdentifier> keys = new ArrayList<>();
    batch.forEach(name -> keys.add(ObjectIdentifier.builder().key(key(name)).build()));
    DeleteObjectsRequest request =
        DeleteObjectsRequest.builder()
            .bucket(objects.settings().bucket())
            .delete(delete -> delete.objects(keys).quiet(true))
            .build();
    S3Call<DeleteObjectsResponse> sent =
        requests.start(
            operation,
            () -> client.deleteObjects(request),
            answer -> checkDeleted(operation, answer));
    call.follow(sent);
    requests.whenDone(
        operation,
        call,
        sent,
        answer -> deleteFrom(operation, call, names.subList(batch.size(), names.size())));
  }

  private static DeleteObjectsResponse checkDeleted(
      S3Operation operation, DeleteObjectsResponse answer) throws ReplicaException {
    List<S3Error> errors =
        answer.errors().stream().filter(error -> !"NoSuchKey".equals(error.code())).toList();
    if (errors.isEmpty()) {
      return answer;
    }
    S3Error first = errors.get(0);
    String text =
        operation.text()
            + ": "
            + errors.size()
            + " failed, the first: "
            + first.key()
            + ": "
            + first.code();
    boolean isForNow =
        "InternalError".equals(first.code())
            || "SlowDown".equals(first.code())
            || "ServiceUnavailable".equals(first.code());
    throw isForNow ? new ReplicaException.Unavailable(text) : new ReplicaException.Denied(text);
  }

  private S3Operation get(String text) {
    return new S3Operation(text, "GetObject", S3Operation.Kind.READ_OBJECT);
  }

  private String key(LtxFileName name) {
    return Layout.OBJECT_STORE.key(path, name);
  }

  @Override
  public void expectWrites() {
    S3Rehearsal.begin(objects);
  }

  @Override
  public SideObjects objects() {
    return sideObjects;
  }

  @Override
  public void close() {
    requests.close();
    connection.close();
  }
}
