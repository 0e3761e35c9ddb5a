package dev.sluice.replicator;

import dev.sluice.ltx.Txid;
import dev.sluice.replicator.spool.Cut;
import dev.sluice.replicator.spool.CutRecord;
import dev.sluice.replicator.spool.Spool;
import dev.sluice.replicator.spool.SpoolException;
import dev.sluice.replicator.spool.SpooledFile;
import dev.sluice.replicator.upload.SecondWriterException;
import dev.sluice.replicator.upload.WriteConditions;
import dev.sluice.storage.ReplicaException;
import java.io.IOException;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;

/**
 * Brings what a spool holds into the replica: decides when the log is cut, and uploads the cuts one
 * after another in TXID order.
 *
 * <p>A cut is made when it can go out at once: there is a token, and no earlier file waits. Until
 * then commits gather in the log, so that a storage that is away costs one file and not one for
 * each interval. Who asks for a {@link #sync} has a cut made in any case, and so has a log that has
 * become large. Confined to one thread at a time, that of its database; the jobs run elsewhere and
 * have it woken.
 */
final class Shipping {
  /** Pages in the log at which it is cut though nothing can go out, as bytes. */
  private static final long CUT_BYTES = 64L << 20;

  /** A few pages that change all the time would fill the disk while the storage is away. */
  private static final long LOG_BYTES_MAX = 256L << 20;

  private static final long PAUSE_NANOS_MIN = TimeUnit.MILLISECONDS.toNanos(100);

  /** While somebody waits for it. */
  private static final long SYNC_PAUSE_NANOS = TimeUnit.MILLISECONDS.toNanos(500);

  private static final long CUT_PAUSE_NANOS = TimeUnit.SECONDS.toNanos(2);
  private static final long PAUSE_NANOS_MAX = TimeUnit.SECONDS.toNanos(30);

  private final Spool spool;
  private boolean hasImage;

  /** Whether nothing was ever shipped: then who refuses us was probably named wrongly. */
  private boolean isNew;

  private final RemoteReplica replica;
  private final TokenBucket tokens;
  private final Workers workers;
  private final Jobs jobs;
  private final Deque<Waiting> waiting = new ArrayDeque<>();
  private final KeptFiles kept;
  private final SyncRequests syncs = new SyncRequests();
  private Optional<CompletableFuture<CutRecord>> cutting = Optional.empty();
  private Optional<CompletableFuture<Txid>> uploading = Optional.empty();
  private Optional<CompletableFuture<Txid>> checking = Optional.empty();
  private Optional<Trouble> trouble = Optional.empty();
  private boolean isChecked;

  /** What the replica may have of ours: what was cut since its check began was not compared. */
  private Txid lastOurs;

  private Txid uploaded = Txid.NONE;
  private Txid taken = Txid.NONE;
  private long sealed;
  private long sealedFirstNanos;
  private Optional<Long> logFirstNanos = Optional.empty();
  private Optional<Trouble> cutTrouble = Optional.empty();
  private long cutRetryNanos;
  private long retryNanos;
  private long pauseNanos = PAUSE_NANOS_MIN;

  /**
   * Where what is shipped comes from.
   *
   * @param kept those of its files that the replica has
   * @param isImage whether the spool was begun anew, with an image of the whole database
   */
  record Origin(Spool spool, KeptFiles kept, boolean isImage) {}

  /** A file of the spool that the replica may lack; which cut it was, and since when it waits. */
  private record Waiting(SpooledFile file, long seal, long sinceNanos) {}

  Shipping(Origin origin, OpenDatabase.Setup setup) {
    this.spool = origin.spool();
    this.hasImage = origin.isImage();
    this.isNew = origin.isImage();
    this.replica = setup.replica();
    this.tokens = setup.tokens();
    this.workers = setup.workers();
    this.jobs = setup.jobs();
    this.kept = origin.kept();
    this.lastOurs = spool.lastCut().txid();
    long nowNanos = System.nanoTime();
    sealedFirstNanos = nowNanos;
    cutRetryNanos = nowNanos;
    retryNanos = nowNanos;
    captured(nowNanos);
  }

  /** Says that frames may have come into the log, or that a repair has cut what was there. */
  void captured(long nowNanos) {
    if (cutting.isEmpty()) {
      takeFiles(nowNanos);
    }
    cutTrouble = cutTrouble.filter(unused -> spool.pendingCut().isPresent());
    boolean isThere = spool.logBytes() > 0;
    logFirstNanos = isThere ? logFirstNanos.or(() -> Optional.of(nowNanos)) : Optional.empty();
  }

  /** Completes {@code done}, with its TXID, when the replica has all that is captured now. */
  void sync(CompletableFuture<Txid> done) {
    syncs.add(spool.logBytes() > 0 ? sealed + 1 : sealed, done);
    long soonNanos = System.nanoTime() + SYNC_PAUSE_NANOS;
    retryNanos = retryNanos - soonNanos > 0 ? soonNanos : retryNanos;
  }

  /**
   * Does what can be done now, and begins what takes longer.
   *
   * @return when to call again though nobody wakes
   * @throws Continuity.BrokenException if the replica does not end where the spool begins
   * @throws SecondWriterException if somebody else writes to the replica
   * @throws IOException if the spool cannot be cut
   */
  Optional<Long> step(long nowNanos) throws IOException {
    takeChecked(nowNanos);
    takeCut(nowNanos);
    takeUploaded(nowNanos);
    hasImage &= !isChecked || !waiting.isEmpty() || replica.needsImage();
    if (isChecked && !hasImage && replica.needsImage()) {
      throw new Continuity.BrokenException(
          "the replica has a gap; an image of the whole database closes it");
    }
    Optional<Long> again = cutIfDue(nowNanos);
    startUpload(nowNanos);
    kept.delete(replica.compacted());
    completeSyncs();
    boolean isWanted = !waiting.isEmpty() || !isChecked;
    boolean isPausing = isWanted && retryNanos - nowNanos > 0;
    if (!isPausing) {
      return again;
    }
    return again.filter(cut -> cut - retryNanos < 0).or(() -> Optional.of(retryNanos));
  }

  /**
   * As {@link #step} while the log is a job's: what is cut already goes on its way.
   *
   * @return when to call again though nobody wakes
   * @throws IOException as of {@link #step}
   */
  Optional<Long> stepWithoutLog(long nowNanos) throws IOException {
    takeChecked(nowNanos);
    takeUploaded(nowNanos);
    startUpload(nowNanos);
    return retryNanos - nowNanos > 0 ? Optional.of(retryNanos) : Optional.empty();
  }

  private Optional<Long> cutIfDue(long nowNanos) throws IOException {
    if (cutting.isPresent()) {
      return Optional.empty();
    }
    if (cutRetryNanos - nowNanos > 0) {
      return Optional.of(cutRetryNanos);
    }
    Optional<Cut> pending = spool.pendingCut();
    if (pending.isPresent()) {
      start(pending.get()); // it failed, and is tried again
      return Optional.empty();
    }
    if (spool.logBytes() == 0) {
      return Optional.empty();
    }
    boolean isAsked = syncs.isForLaterThan(sealed);
    boolean isLarge =
        (long) spool.logPages() * spool.pageSize() >= CUT_BYTES
            || spool.logBytes() >= LOG_BYTES_MAX;
    if (isAsked || isLarge) {
      boolean unused = tokens.take(nowNanos);
      seal(nowNanos);
    } else if (waiting.isEmpty() && uploading.isEmpty()) {
      if (!tokens.take(nowNanos)) {
        return Optional.of(nowNanos + tokens.waitNanos(nowNanos));
      }
      seal(nowNanos);
    }
    return Optional.empty();
  }

  private void seal(long nowNanos) throws IOException {
    Optional<Cut> cut = spool.seal();
    if (cut.isPresent()) {
      sealed++;
      sealedFirstNanos = logFirstNanos.orElse(nowNanos);
      logFirstNanos = Optional.empty();
      start(cut.get());
    }
  }

  private void start(Cut cut) {
    cutting = Optional.of(jobs.start(workers.local(), cut::write));
  }

  private void takeCut(long nowNanos) throws IOException {
    if (cutting.isPresent() && cutting.get().isDone()) {
      takeFiles(nowNanos);
      CompletableFuture<CutRecord> done = cutting.get();
      cutting = Optional.empty();
      takeWritten(done, nowNanos);
    }
  }

  /** A disk that is full has room again some time; what was sealed stays so. */
  private void takeWritten(CompletableFuture<CutRecord> done, long nowNanos) throws IOException {
    try {
      CutRecord unused = Futures.result(done); // the file is among the spool's, if there is one
      cutTrouble = Optional.empty();
    } catch (SpoolException.Unwritable e) {
      cutTrouble = Optional.of(Trouble.of(e));
      cutRetryNanos = nowNanos + CUT_PAUSE_NANOS;
    }
  }

  /** Takes what is new in the spool: what was sealed here, or cut to repair the capture. */
  private void takeFiles(long nowNanos) {
    long sinceNanos = uncutSinceNanos().orElse(nowNanos);
    for (SpooledFile file : spool.filesAfter(taken)) {
      taken = file.txid();
      waiting.add(new Waiting(file, sealed, sinceNanos));
      logFirstNanos = logFirstNanos.filter(unused -> cutting.isPresent()); // else a repair has it
    }
  }

  private void startUpload(long nowNanos) {
    if (uploading.isPresent() || checking.isPresent() || retryNanos - nowNanos > 0) {
      return;
    }
    if (!isChecked) {
      List<SpooledFile> local = waiting.stream().map(Waiting::file).toList();
      lastOurs = local.isEmpty() ? lastOurs : local.get(local.size() - 1).txid();
      checking =
          Optional.of(
              jobs.start(workers.storage(replica.storage()), () -> replica.checkedNewest(local)));
      return;
    }
    if (waiting.isEmpty()) {
      return;
    }
    SpooledFile file = waiting.getFirst().file();
    uploading =
        Optional.of(jobs.start(workers.storage(replica.storage()), () -> replica.store(file)));
  }

  private void takeChecked(long nowNanos) throws IOException {
    if (checking.isEmpty() || !checking.get().isDone()) {
      return;
    }
    CompletableFuture<Txid> done = checking.get();
    checking = Optional.empty();
    Optional<Txid> newest = orTrouble(done, nowNanos);
    if (newest.isPresent()) {
      takeFiles(nowNanos);
      Txid first = waiting.isEmpty() ? lastOurs.next() : waiting.getFirst().file().txid();
      Continuity.require(newest.get(), lastOurs, first);
      isChecked = true;
      uploaded = newest.get();
      while (!waiting.isEmpty() && !waiting.getFirst().file().txid().isAfter(uploaded)) {
        removeFirst();
      }
    }
  }

  private void takeUploaded(long nowNanos) throws IOException {
    if (uploading.isEmpty() || !uploading.get().isDone()) {
      return;
    }
    CompletableFuture<Txid> done = uploading.get();
    uploading = Optional.empty();
    Optional<Txid> txid = orTrouble(done, nowNanos);
    if (txid.isPresent()) {
      uploaded = txid.get();
      removeFirst();
    }
  }

  private void removeFirst() {
    kept.add(waiting.removeFirst().file());
  }

  /** Returns nothing if the storage failed in a way that may pass. */
  private Optional<Txid> orTrouble(CompletableFuture<Txid> done, long nowNanos) throws IOException {
    try {
      Txid txid = Futures.result(done);
      trouble = Optional.empty();
      pauseNanos = PAUSE_NANOS_MIN;
      isNew &= !isChecked;
      return Optional.of(txid);
    } catch (SecondWriterException | WriteConditions.IgnoredException e) {
      throw e;
    } catch (IOException e) { // a lease's holder among them, who may be gone, and then it expires
      if (isNew && e instanceof ReplicaException.Denied) {
        throw e;
      }
      pauseAfter(e, nowNanos);
      return Optional.empty();
    }
  }

  private void pauseAfter(IOException failure, long nowNanos) {
    trouble = Optional.of(Trouble.of(failure));
    retryNanos =
        nowNanos + Math.min(pauseNanos, syncs.isEmpty() ? PAUSE_NANOS_MAX : SYNC_PAUSE_NANOS);
    pauseNanos = Math.min(2 * pauseNanos, PAUSE_NANOS_MAX);
  }

  /** A sync is done when nothing up to its cut waits. */
  private void completeSyncs() {
    if (!isChecked) {
      return;
    }
    boolean isCutLeft = cutting.isPresent() || spool.pendingCut().isPresent();
    long newestLeft = isCutLeft ? sealed : sealed + 1;
    // A repair may have taken the log that a sync was to wait for.
    boolean isAll = !isCutLeft && waiting.isEmpty() && spool.logBytes() == 0;
    long left = waiting.isEmpty() ? newestLeft : waiting.getFirst().seal();
    syncs.reached(isAll ? Long.MAX_VALUE : left, uploaded);
  }

  /** Tells those whose sync is done: to be called when everybody can see what they waited for. */
  void answer() {
    syncs.answer();
  }

  /** Returns the futures of syncs that are not done, which nobody completes any more. */
  List<CompletableFuture<Txid>> abandon() {
    return syncs.abandon();
  }

  /** Returns whether a job is under way: another spool on the same directory must wait. */
  boolean isBusy() {
    return kept.isBusy()
        || Stream.of(cutting, uploading, checking)
            .flatMap(Optional::stream)
            .anyMatch(job -> !job.isDone());
  }

  /** Returns what is done when no job writes to the spool; however those end. */
  CompletableFuture<?> writing() {
    CompletableFuture<?> cut =
        cutting.isPresent() ? cutting.get() : CompletableFuture.completedFuture(true);
    return CompletableFuture.allOf(cut, kept.deleting());
  }

  /** Returns whether the replica has all that was captured. */
  boolean isDone() {
    return isChecked
        && waiting.isEmpty()
        && cutting.isEmpty()
        && spool.logBytes() == 0
        && spool.pendingCut().isEmpty();
  }

  /** Returns why the storage, or the disk, does not take what is there; empty if it does. */
  Optional<Trouble> trouble() {
    return trouble.or(() -> cutTrouble);
  }

  /** Returns whether the replica was found to end where the spool goes on. */
  boolean isChecked() {
    return isChecked;
  }

  /** Returns the newest TXID that the replica has. */
  Txid uploaded() {
    return uploaded;
  }

  /** Returns since when the oldest commit waits that the replica does not have. */
  Optional<Long> sinceNanos() {
    return waiting.isEmpty() ? uncutSinceNanos() : Optional.of(waiting.getFirst().sinceNanos());
  }

  private Optional<Long> uncutSinceNanos() {
    boolean isSealed = cutting.isPresent() || cutTrouble.isPresent();
    return isSealed ? Optional.of(sealedFirstNanos) : logFirstNanos;
  }

  /** Returns the bytes that wait in the spool. */
  long waitingBytes() {
    return spool.uncutBytes() + waiting.stream().mapToLong(one -> one.file().bytes()).sum();
  }
}
