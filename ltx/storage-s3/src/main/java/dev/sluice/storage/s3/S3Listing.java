package dev.sluice.storage.s3;

import dev.sluice.ltx.Txid;
import dev.sluice.storage.Layout;
import dev.sluice.storage.LtxFile;
import dev.sluice.storage.LtxFileName;
import dev.sluice.storage.ReplicaException;
import java.io.IOException;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import software.amazon.awssdk.services.s3.S3AsyncClient;
import software.amazon.awssdk.services.s3.model.ListObjectsV2Request;
import software.amazon.awssdk.services.s3.model.ListObjectsV2Response;
import software.amazon.awssdk.services.s3.model.S3Object;

/**
 * The listing of one level, page after page. Confined to its answers, which come one after another.
 */
final class S3Listing {
  private static final Comparator<LtxFile> BY_TXIDS =
      Comparator.comparing((LtxFile file) -> file.name().range().min())
          .thenComparing(file -> file.name().range().max());

  private final S3AsyncClient client;
  private final S3Requests requests;
  private final S3Operation operation;
  private final S3Call<List<LtxFile>> call;
  private final String prefix;
  private final int level;
  private final Txid from;
  private final ListObjectsV2Request first;
  private final List<LtxFile> files = new ArrayList<>();
  private @Nullable String lastToken;

  S3Listing(
      S3AsyncClient client,
      S3Requests requests,
      S3Operation operation,
      ListObjectsV2Request first,
      LevelFrom from) {
    this.client = client;
    this.requests = requests;
    this.operation = operation;
    this.call = requests.track(operation);
    this.first = first;
    this.prefix = first.prefix();
    this.level = from.level();
    this.from = from.txid();
  }

  /** What is listed: the files of a level whose min TXID is this one or later. */
  record LevelFrom(int level, Txid txid) {}

  /** Returns the request for the first page. */
  static ListObjectsV2Request firstPage(String bucket, String path, LevelFrom from) {
    return ListObjectsV2Request.builder()
        .bucket(bucket)
        .prefix(Layout.OBJECT_STORE.prefix(path, from.level()))
        .startAfter(Layout.OBJECT_STORE.startAfter(path, from.level(), from.txid()))
        .delimiter("/")
        .build();
  }

  S3Call<List<LtxFile>> start() {
    if (!call.isDone()) {
      ask(first);
    }
    return call;
  }

  private void ask(ListObjectsV2Request page) {
    S3Call<ListObjectsV2Response> answer =
        requests.start(operation, () -> client.listObjectsV2(page));
    call.follow(answer);
    requests.whenDone(operation, call, answer, this::take);
  }

  private void take(ListObjectsV2Response page) throws ReplicaException {
    // Whatever answers with 200, a captive portal for one, must not pass for an empty replica.
    if (page.name() == null && page.isTruncated() == null) {
      throw broken("the answer is not a listing");
    }
    for (S3Object object : page.contents()) {
      file(object).ifPresent(files::add);
    }
    if (Boolean.TRUE.equals(page.isTruncated())) {
      askNext(page.nextContinuationToken());
      return;
    }
    files.sort(BY_TXIDS);
    call.succeed(List.copyOf(files));
  }

  private void askNext(@Nullable String token) throws ReplicaException {
    if (token == null || token.isEmpty()) {
      throw broken("a page that is not the last has no continuation token");
    } else if (token.equals(lastToken)) {
      throw broken("two pages have the same continuation token");
    }
    lastToken = token;
    // Some servers forget start-after on later pages when it is not sent again; others ignore it
    // beside the token.
    ask(first.toBuilder().continuationToken(token).build());
  }

  private Optional<LtxFile> file(S3Object object) throws ReplicaException {
    String key = object.key();
    if (key == null) {
      throw broken("an object without a key");
    }
    Optional<LtxFileName> name =
        Layout.parseKey(prefix, level, key).filter(n -> !n.range().min().isBefore(from));
    if (name.isEmpty()) {
      return Optional.empty();
    }
    Optional<String> version = S3Objects.version(object.eTag());
    Long size = object.size();
    if (version.isEmpty()) {
      throw broken("no ETag of " + key);
    } else if (size == null || size < 0) {
      throw broken("size " + size + " of " + key);
    }
    Instant modified = object.lastModified();
    Instant created = modified == null ? Instant.EPOCH : modified;
    return Optional.of(new LtxFile(name.get(), size, created, version.get()));
  }

  private ReplicaException broken(String why) {
    return requests.failures().withoutAnswer(operation, why, new IOException("broken listing"));
  }
}
