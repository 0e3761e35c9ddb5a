package dev.sluice.replicator;

import dev.sluice.ltx.Txid;
import dev.sluice.replicator.levels.LevelFigures;
import dev.sluice.replicator.levels.LevelSetup;
import dev.sluice.replicator.levels.Levels;
import dev.sluice.replicator.spool.SpooledFile;
import dev.sluice.replicator.upload.CallLimit;
import dev.sluice.replicator.upload.LeaseHolder;
import dev.sluice.replicator.upload.ReplicaWriter;
import dev.sluice.replicator.upload.SecondWriterException;
import dev.sluice.replicator.upload.Uploader;
import dev.sluice.replicator.upload.WriteGuard;
import dev.sluice.storage.Layout;
import dev.sluice.storage.LtxFile;
import dev.sluice.storage.LtxFileName;
import dev.sluice.storage.ReplicaClient;
import dev.sluice.storage.ReplicaException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import java.util.function.Consumer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A database's replica as its one writer sees it: listed once, and known from then on. Methods that
 * make requests block, and are called by one thread at a time, but for {@link #keepLevels}, which
 * has another; the others are thread-safe.
 */
final class RemoteReplica implements AutoCloseable {
  private static final Logger log = LoggerFactory.getLogger(RemoteReplica.class);
  private static final CallLimit CALL_LIMIT = new CallLimit(Duration.ofSeconds(60));

  private final ReplicaClient client;
  private final Optional<LeaseHolder> lease;
  private final WriteGuard guard;
  private final ReplicaWriter writer;
  private final Path directory;
  private final Uploader uploader;
  private final Levels levels;
  private final InstantSource clock;
  private volatile boolean isKnown;

  RemoteReplica(DatabaseSettings settings, ReplicaClient client, Consumer<Enum<?>> steps) {
    this.client = client;
    this.clock = InstantSource.system();
    this.lease = lease(settings);
    this.guard = guard(settings.writing());
    this.writer = new ReplicaWriter(client, CALL_LIMIT, guard);
    this.directory = settings.metaPath();
    this.uploader = new Uploader(writer, directory, steps::accept);
    Path temporary = directory.resolve("levels");
    this.levels =
        new Levels(
            writer,
            new LevelSetup(
                settings.levels(),
                temporary,
                this::spooled,
                clock,
                System::nanoTime,
                steps::accept));
  }

  private Optional<LeaseHolder> lease(DatabaseSettings settings) {
    if (settings.writing() instanceof Writing.Leased leased) {
      LeaseHolder.Terms terms = new LeaseHolder.Terms(leased.time(), owner());
      return Optional.of(new LeaseHolder(client, CALL_LIMIT, clock, System::nanoTime, terms));
    }
    return Optional.empty();
  }

  /** Names this process: two on one host, or one begun again, are not the same. */
  private static String owner() {
    String host = Optional.ofNullable(System.getenv("HOSTNAME")).orElse("sluice");
    return host.replaceAll("[^!-~]", "?") + "-" + UUID.randomUUID();
  }

  private WriteGuard guard(Writing writing) {
    if (lease.isPresent()) {
      return WriteGuard.lease(lease.get());
    }
    return writing instanceof Writing.Unguarded ? WriteGuard.none() : WriteGuard.conditions();
  }

  private Optional<Path> spooled(LtxFileName name) {
    Path file =
        directory
            .resolve(Layout.DIRECTORY.folder(name.level()))
            .resolve(Layout.fileName(name.range()));
    return Files.exists(file) ? Optional.of(file) : Optional.empty();
  }

  /** Returns where it is, for messages. */
  String location() {
    return client.location();
  }

  /** Returns what others are in as well: without the path. */
  String storage() {
    return client.location().replaceFirst("^([^:/]+://[^/]*).*$", "$1");
  }

  /**
   * Where a replica ends.
   *
   * @param txid its newest; {@link Txid#NONE} of an empty one
   * @param timestampMillis when that was made, milliseconds since the Unix epoch; what follows is
   *     later
   */
  record End(Txid txid, long timestampMillis) {}

  /** Returns where the replica ends, by a listing made now: it may have what is not known here. */
  End listAnew() throws IOException {
    isKnown = false;
    Txid txid = newest();
    return new End(txid, levels.newest().map(file -> file.created().toEpochMilli()).orElse(0L));
  }

  /** Returns the newest TXID that the replica has; {@link Txid#NONE} of an empty one. */
  Txid newest() throws IOException {
    if (!isKnown) {
      renewLease();
      levels.begin();
      uploader.begin(levels.newest());
      client.expectWrites();
      isKnown = true;
    }
    return levels.newest().map(RemoteReplica::max).orElse(Txid.NONE);
  }

  /**
   * As {@link #newest}, after a comparison: who writes the same TXID as we did, while we were away,
   * is another writer.
   *
   * @param local what the spool still has
   * @return up to where nothing of it is to be stored any more
   * @throws SecondWriterException if the replica's newest file is another one than ours
   */
  Txid checkedNewest(List<SpooledFile> local) throws IOException {
    Txid newest = newest();
    Optional<LtxFile> last = levels.newest();
    boolean isLocal = local.stream().anyMatch(file -> file.txid().equals(newest));
    if (isLocal && isHalfStored(last.orElseThrow().name())) {
      return newest.previous();
    }
    for (SpooledFile file : local) {
      if (last.isPresent() && file.txid().equals(newest) && isOneCut(last.get().name(), newest)) {
        requireSame(last.get().name(), file.path());
      }
    }
    return newest;
  }

  /** An image with another page size is stored as a snapshot before it is on level 0. */
  private static boolean isHalfStored(LtxFileName newest) {
    return newest.level() == LtxFileName.SNAPSHOT_LEVEL && !newest.range().max().equals(Txid.FIRST);
  }

  private void requireSame(LtxFileName name, Path file) throws IOException {
    try {
      writer.requireSame(name, file);
    } catch (ReplicaException.NotFound e) {
      isKnown = false;
      throw e;
    }
  }

  /** Returns whether the file is a cut as it was stored: on level 0, or the first of all. */
  private static boolean isOneCut(LtxFileName name, Txid txid) {
    return name.range().min().equals(txid) && (name.level() == 0 || txid.equals(Txid.FIRST));
  }

  private static Txid max(LtxFile file) {
    return file.name().range().max();
  }

  /** Makes sure that the lease is held, if there is to be one. */
  void renewLease() throws IOException {
    if (lease.isPresent()) {
      guard.require(writer);
    }
  }

  /** Returns how long {@link #renewLease} has nothing to do; empty without a lease. */
  Optional<Duration> untilRenewal() {
    return lease
        .flatMap(LeaseHolder::untilRenewal)
        .map(left -> left.isNegative() ? Duration.ZERO : left);
  }

  /** Stores a cut; to be called after {@link #newest}. */
  Txid store(SpooledFile file) throws IOException {
    levels.beforeUpload(file.txid());
    levels.uploaded(uploader.store(file));
    return file.txid();
  }

  /** Returns whether {@link #newest} has succeeded. */
  boolean isKnown() {
    return isKnown;
  }

  /** Returns whether only an image of the whole database makes its state restorable again. */
  boolean needsImage() {
    return levels.needsImage();
  }

  /** Returns up to which TXID the level-0 files are not read here any more. */
  Txid compacted() {
    return isKnown ? levels.compacted() : Txid.NONE;
  }

  /**
   * Returns how long {@link #keepLevels} has nothing to do; empty if it has until something comes.
   */
  Optional<Duration> untilDue() {
    Instant due = isKnown ? levels.nextDue() : Levels.NEVER;
    if (due.equals(Levels.NEVER)) {
      return Optional.empty();
    }
    Duration left = Duration.between(clock.instant(), due);
    return Optional.of(left.isNegative() ? Duration.ZERO : left);
  }

  /** Returns whether {@link #keepLevels} would make a snapshot now. */
  boolean isSnapshotDue() {
    return levels.isSnapshotDue();
  }

  /** Compacts, makes a snapshot and deletes, as far as that is due. */
  void keepLevels() throws IOException {
    levels.run();
  }

  /** Has the next {@link #keepLevels} make a snapshot. */
  void snapshotNow() {
    levels.snapshotNow();
  }

  LevelFigures figures() {
    return levels.figures();
  }

  /** Gives the lease back, which may take as long as a call, and ends the client. */
  @Override
  public void close() {
    try {
      if (lease.isPresent()) {
        lease.get().release();
      }
    } catch (IOException e) {
      log.warn("give back the lease: {}", e.getMessage());
    } finally {
      abandon();
    }
  }

  /** Ends the client without a request; whole, though this thread is to make haste. */
  void abandon() {
    boolean wasInterrupted = Thread.interrupted();
    try {
      client.close();
    } finally {
      if (wasInterrupted) {
        Thread.currentThread().interrupt();
      }
    }
  }
}
