package dev.sluice.cache;

import dev.sluice.ltx.LtxFormatException;
import dev.sluice.ltx.LtxHeader;
import dev.sluice.ltx.LtxTrailer;
import dev.sluice.ltx.Txid;
import dev.sluice.storage.Deadline;
import dev.sluice.storage.LtxFile;
import dev.sluice.storage.ReplicaClient;
import dev.sluice.storage.ReplicaException;
import dev.sluice.storage.RequestMeter;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.Collection;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.CompletableFuture;
import java.util.function.LongSupplier;

/**
 * Which files carry a copy of the database on from where it is, looked for again and again while
 * the replica grows; ends when another replica has taken its place.
 *
 * <p>Most looks are cheap. A complete listing is made first, every 30 seconds, and when a look
 * leaves a question open. What a view's {@link Follower} does beside this, keep pages that older
 * views need, a copy has no use for. Confined to one thread at a time.
 */
public final class Pursuit {
  private static final Duration LOOK_AT_ALL = Duration.ofSeconds(30);

  /** After how long a listing without anything known that comes again is believed. */
  private static final Duration DOUBT = Duration.ofSeconds(1);

  private final ReplicaClient client;
  private final RequestMeter meter;
  private final LongSupplier ticker;
  private final Lineage lineage = new Lineage();
  private final Lookout lookout;
  private final Set<LtxFile> avoided = new HashSet<>();
  private List<KnownFile> landmarks = List.of();
  private OptionalLong completeNanos = OptionalLong.empty();
  private OptionalLong doubtedNanos = OptionalLong.empty();

  /**
   * What follows.
   *
   * @param files in the order in which they are to be applied
   * @param gap says what is missing where there are files beyond them
   */
  public record Next(List<LtxFile> files, Optional<ViewException.Gap> gap) {}

  /** Takes a client that makes one attempt for each call. */
  public Pursuit(ReplicaClient client, RequestMeter meter, LongSupplier ticker) {
    this.client = client;
    this.meter = meter;
    this.ticker = ticker;
    this.lookout = new ListingLookout(meter, ticker);
  }

  /** Takes files that were read; the first ones are of the replica that is meant. */
  public void know(Collection<KnownFile> read) {
    lineage.know(
        read.stream()
            .map(
                known ->
                    new Lineage.Known(
                        known.file(),
                        known
                            .content()
                            .map(
                                content ->
                                    new Fingerprints.Fingerprint(
                                        content.timestampMillis(), content.fileChecksum()))))
            .toList());
  }

  /**
   * Returns whether the replica is proven to be the one that is known, by a file of it that is
   * still there.
   *
   * @param reached where the copy is
   * @throws ViewException.Replaced if it is another's
   * @throws ViewException.HistoryGone if it ends before {@code reached}
   */
  public boolean isProven(Txid reached, Deadline deadline) throws IOException {
    Lookout.News news = lookout.lookAtAll(client, deadline);
    boolean isProven = judge(news) instanceof Lineage.Same;
    boolean isThere =
        news.files().stream().anyMatch(file -> !file.name().range().max().isBefore(reached));
    if (!isThere) {
      throw new ViewException.HistoryGone(
          client.location() + ": history gone: it ends before TXID " + reached);
    }
    return isProven;
  }

  /**
   * Returns the newest file of each level above 0, as the last complete listing had them: they stay
   * longer than what a copy is made of.
   */
  public List<KnownFile> landmarks() {
    return landmarks;
  }

  private static List<KnownFile> landmarks(List<LtxFile> listed) {
    Map<Integer, LtxFile> newest = new TreeMap<>();
    for (LtxFile file : listed) {
      newest.merge(
          file.name().level(),
          file,
          (one, other) ->
              other.name().range().max().isAfter(one.name().range().max()) ? other : one);
    }
    newest.remove(0);
    return newest.values().stream().map(file -> new KnownFile(file, Optional.empty())).toList();
  }

  /** Says that a file could not be read, or not as it was listed: the next look is complete. */
  public void lookAgain() {
    completeNanos = OptionalLong.empty();
  }

  /** Says that a file is malformed: it is done without until everything is looked at again. */
  public void avoid(LtxFile file) {
    lookAgain();
    avoided.add(file);
  }

  /**
   * Looks once.
   *
   * @param reached where the copy is
   * @throws ViewException.Replaced if the replica is another's
   * @throws ViewException.HistoryGone if nothing that is known was there twice, a second apart
   * @throws ReplicaException if the storage does not answer, or a listing is doubted
   */
  public Next next(Txid reached, Deadline deadline) throws IOException {
    boolean isDue = isCompleteDue();
    Lookout.News news = isDue ? lookAtAll(deadline) : look(deadline);
    Chain chain = Chain.after(reached, news.files(), avoided);
    if (chain.hasGap() && !news.isComplete()) {
      news = lookAtAll(deadline);
      chain = Chain.after(reached, news.files(), avoided);
    }
    if (chain.isEmpty()) {
      lookout.learn(upTo(news.files(), reached), news.isComplete());
    }
    if (isDue) {
      avoided.clear(); // what was malformed may have been so on its way only
    }
    return new Next(chain.files(), gap(chain));
  }

  private boolean isCompleteDue() {
    return completeNanos.isEmpty()
        || ticker.getAsLong() - completeNanos.getAsLong() >= LOOK_AT_ALL.toNanos();
  }

  /** What lies beyond a gap is not learned, so that looks bring what is to fill it. */
  private static List<LtxFile> upTo(List<LtxFile> files, Txid reached) {
    return files.stream().filter(file -> !file.name().range().max().isAfter(reached)).toList();
  }

  private Optional<ViewException.Gap> gap(Chain chain) {
    if (!chain.hasGap()) {
      return Optional.empty();
    }
    return Optional.of(
        new ViewException.Gap(
            "follow "
                + client.location()
                + ": TXID "
                + chain.end().next()
                + " is missing: the last good one is "
                + chain.end()
                + ", the newest file ends at "
                + chain.newest()));
  }

  private Lookout.News look(Deadline deadline) throws IOException {
    Lookout.News news = lookout.look(client, deadline);
    return judge(news) instanceof Lineage.Same ? news : lookAtAll(deadline);
  }

  private Lookout.News lookAtAll(Deadline deadline) throws IOException {
    Lookout.News news = lookout.lookAtAll(client, deadline);
    if (!(judge(news) instanceof Lineage.Same)) {
      throw doubt(news);
    }
    doubtedNanos = OptionalLong.empty();
    landmarks = landmarks(news.files());
    completeNanos = OptionalLong.of(news.askedNanos());
    return news;
  }

  private IOException doubt(Lookout.News news) {
    if (news.files().isEmpty()) {
      return new ReplicaException.Unavailable(
          "follow " + client.location() + ": the replica has no files any more");
    }
    String reason =
        client.location()
            + ": history gone: none of the files that were known is there, but "
            + news.files().get(0).name()
            + " is";
    if (doubtedNanos.isPresent()
        && news.askedNanos() - doubtedNanos.getAsLong() >= DOUBT.toNanos()) {
      return new ViewException.HistoryGone(reason);
    }
    if (doubtedNanos.isEmpty()) {
      doubtedNanos = OptionalLong.of(ticker.getAsLong());
    }
    return new ReplicaException.Unavailable(reason);
  }

  private Lineage.Verdict judge(Lookout.News news) throws IOException {
    Lineage.Verdict verdict = lineage.compare(news.files(), news.isComplete());
    while (verdict instanceof Lineage.Other other && isSame(other.before(), other.now())) {
      lineage.know(List.of(new Lineage.Known(other.now(), other.before().fingerprint())));
      verdict = lineage.compare(news.files(), news.isComplete());
    }
    if (verdict instanceof Lineage.Other other) {
      throw new ViewException.Replaced(
          client.location()
              + ": the replica was replaced: "
              + other.now().name()
              + " is another file now");
    }
    return verdict;
  }

  /** A file that was stored once more has another version: header and checksum tell. */
  private boolean isSame(Lineage.Known before, LtxFile now) throws IOException {
    if (before.file().size() != now.size() || now.size() < LtxHeader.BYTES + LtxTrailer.BYTES) {
      return false;
    }
    String name = client.location(now.name());
    long trailerAt = now.size() - LtxTrailer.BYTES;
    meter.beginRound();
    CompletableFuture<byte[]> head = client.read(now, 0, LtxHeader.BYTES);
    CompletableFuture<byte[]> tail = client.read(now, trailerAt, LtxTrailer.BYTES);
    Deadline deadline = Deadline.after(Duration.ofSeconds(5), System::nanoTime);
    try {
      LtxHeader header =
          LtxHeader.parse(ByteBuffer.wrap(Waits.await(head, deadline, "compare " + name)), name);
      LtxTrailer trailer =
          LtxTrailer.parse(
              ByteBuffer.wrap(Waits.await(tail, deadline, "compare " + name)), trailerAt, name);
      return before
          .fingerprint()
          .equals(
              Optional.of(
                  new Fingerprints.Fingerprint(header.timestampMillis(), trailer.fileChecksum())));
    } catch (LtxFormatException e) {
      return false;
    } catch (ReplicaException.NotFound | ReplicaException.Conflict e) {
      throw new ReplicaException.Unavailable(name + " changes while it is looked at", e);
    } finally {
      head.cancel(true);
      tail.cancel(true);
    }
  }
}
