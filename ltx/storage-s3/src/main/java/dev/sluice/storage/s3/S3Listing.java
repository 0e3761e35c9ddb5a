package dev.sluice.storage.s3;

import dev.sluice.ltx.Txid;
import dev.sluice.storage.Layout;
import dev.sluice.storage.LtxFile;
import dev.sluice.storage.LtxFileName;
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
@SuppressWarnings("FutureReturnValueIgnored") // whenComplete returns what is known already
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
    answer.whenComplete(this::take);
  }

  private void take(@Nullable ListObjectsV2Response page, @Nullable Throwable failure) {
    if (failure != null || page == null) {
      call.fail(failure != null ? failure : new IllegalStateException("no page"));
      return;
    }
    page.contents().forEach(object -> file(object).ifPresent(files::add));
    String token = page.nextContinuationToken();
    if (Boolean.TRUE.equals(page.isTruncated()) && token != null) {
      // Some servers forget start-after on later pages when it is not sent again; others ignore it
      // beside the token.
      ask(first.toBuilder().continuationToken(token).build());
      return;
    }
    files.sort(BY_TXIDS);
    call.succeed(List.copyOf(files));
  }

  private Optional<LtxFile> file(S3Object object) {
    Optional<LtxFileName> name = Layout.parseKey(prefix, level, object.key());
    return name.filter(n -> !n.range().min().isBefore(from))
        .filter(n -> object.eTag() != null && !object.eTag().isEmpty())
        .map(n -> new LtxFile(n, object.size(), object.lastModified(), object.eTag()));
  }
}
