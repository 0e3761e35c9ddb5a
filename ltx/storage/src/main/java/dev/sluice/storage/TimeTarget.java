package dev.sluice.storage;

import dev.sluice.ltx.LtxFormatException;
import dev.sluice.ltx.LtxHeader;
import dev.sluice.ltx.Txid;
import java.nio.ByteBuffer;
import java.time.Instant;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.CompletableFuture;

/**
 * Finds the TXID of a {@link Target.Before}: the greatest one that can be reached and whose state
 * is strictly before the instant.
 *
 * <p>The timestamps in the headers decide; the times of a listing are those of uploads and only say
 * where to look first. Headers are read in parallel, up to {@value TimeSearch#PROBES} a round: one
 * round where listing and headers agree, three for 3,000 files where they do not. Timestamps are
 * taken to grow with TXIDs.
 *
 * <p>A level-9 header's time is when the snapshot was made, so it speaks only for a TXID at which
 * no other file ends. Immutable.
 */
public final class TimeTarget {
  private final ReplicaClient client;
  private final RequestMeter meter;

  /** The meter is told of each round; closing the client stays with the caller. */
  public TimeTarget(ReplicaClient client, RequestMeter meter) {
    this.client = client;
    this.meter = meter;
  }

  /**
   * Returns the TXID for a {@link RestorePlan} from the same files.
   *
   * <p>Fails with {@link PlanException.NoFiles}; {@link PlanException.NotReachable} if every state
   * is later; {@link PlanException.Gap} if the state lies beyond a gap or only excluded files end
   * there; {@link LtxFormatException} if the time of a state that may be the one cannot be read;
   * {@link ReplicaException} as the client fails. An unreadable header does not matter where
   * another file ends at the same TXID. Cancelling it cancels the reads.
   *
   * @param files the listing of every level, in any order
   * @param excluding files that must not be used
   */
  public CompletableFuture<Txid> resolve(
      Collection<LtxFile> files, Target.Before target, Set<LtxFile> excluding) {
    try {
      return new Search(new TimeSearch(files, target.time(), excluding)).start();
    } catch (PlanException e) {
      return CompletableFuture.failedFuture(e);
    }
  }

  /**
   * Returns the times of states, by the headers of files that end there, in one round; a TXID whose
   * header cannot be read is left out. Never fails but as the client does.
   *
   * @param files the listing of every level, in any order
   */
  public CompletableFuture<Map<Txid, Instant>> timesOf(
      Collection<LtxFile> files, Collection<Txid> txids) {
    List<LtxFile> telling =
        txids.stream()
            .map(
                txid ->
                    files.stream()
                        .filter(file -> file.name().range().max().equals(txid))
                        .min(TimeSearch.TELLING_FIRST))
            .flatMap(Optional::stream)
            .toList();
    meter.beginRound();
    return Futures.map(
        Futures.all(telling.stream().map(this::readTime).toList()),
        answers -> {
          Map<Txid, Instant> times = new HashMap<>();
          for (int i = 0; i < answers.size(); i++) {
            Txid txid = telling.get(i).name().range().max();
            answers.get(i).time().ifPresent(time -> times.put(txid, time));
          }
          return times;
        });
  }

  private CompletableFuture<HeaderTime> readTime(LtxFile file) {
    String name = client.location(file.name());
    if (file.size() < LtxHeader.BYTES) {
      LtxFormatException tooShort =
          new LtxFormatException(
              name,
              file.size(),
              "the file ends inside its header of " + LtxHeader.BYTES + " bytes");
      return CompletableFuture.completedFuture(HeaderTime.unreadable(tooShort));
    }
    return Futures.map(
        client.read(file, 0, LtxHeader.BYTES), bytes -> parseTime(bytes, file, name));
  }

  private static HeaderTime parseTime(byte[] bytes, LtxFile file, String name) {
    try {
      LtxHeader header = LtxHeader.parse(ByteBuffer.wrap(bytes), name);
      if (!header.range().equals(file.name().range())) {
        return HeaderTime.unreadable(
            new LtxFormatException(
                name, 16, "the header's TXIDs " + header.range() + " are not those of the name"));
      }
      return new HeaderTime(
          Optional.of(Instant.ofEpochMilli(header.timestampMillis())), Optional.empty());
    } catch (LtxFormatException e) {
      return HeaderTime.unreadable(e);
    }
  }

  /**
   * What a header said: one of the two. Immutable.
   *
   * @param time its timestamp
   * @param failure why it could not be read
   */
  record HeaderTime(Optional<Instant> time, Optional<LtxFormatException> failure) {
    static HeaderTime unreadable(LtxFormatException failure) {
      return new HeaderTime(Optional.empty(), Optional.of(failure));
    }
  }

  /** The rounds of one search. What it changes is touched by one round after the other. */
  private final class Search extends CompletableFuture<Txid> {
    private final TimeSearch search;
    private volatile CompletableFuture<?> round = CompletableFuture.completedFuture(Boolean.TRUE);

    Search(TimeSearch search) {
      this.search = search;
    }

    CompletableFuture<Txid> start() {
      nextRound();
      return this;
    }

    private void nextRound() {
      List<Integer> probes = List.copyOf(new TreeSet<>(search.probes()));
      if (probes.isEmpty()) {
        finish();
        return;
      }
      meter.beginRound();
      CompletableFuture<List<HeaderTime>> times =
          Futures.all(probes.stream().map(probe -> readTime(search.fileAt(probe))).toList());
      round = times;
      if (isDone()) {
        times.cancel(true);
      }
      Futures.whenDone(
          times,
          (answers, failure) -> {
            if (failure != null) {
              completeExceptionally(Futures.unwrap(failure));
              return;
            }
            try {
              learn(probes, answers);
            } catch (RuntimeException e) {
              completeExceptionally(e);
            }
          });
    }

    private void learn(List<Integer> probes, List<HeaderTime> answers) {
      for (int i = 0; i < answers.size(); i++) {
        search.learn(probes.get(i), answers.get(i));
      }
      nextRound();
    }

    private void finish() {
      try {
        complete(search.result());
      } catch (PlanException | LtxFormatException e) {
        completeExceptionally(e);
      }
    }

    @Override
    public boolean cancel(boolean mayInterrupt) {
      boolean isCancelled = super.cancel(mayInterrupt);
      round.cancel(true);
      return isCancelled;
    }
  }
}
