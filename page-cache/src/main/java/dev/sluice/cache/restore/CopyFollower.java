package dev.sluice.cache.restore;

import dev.sluice.cache.KnownFile;
import dev.sluice.cache.Pursuit;
import dev.sluice.cache.ViewException;
import dev.sluice.ltx.LockPage;
import dev.sluice.ltx.LtxFormatException;
import dev.sluice.ltx.LtxHeader;
import dev.sluice.ltx.Txid;
import dev.sluice.storage.Deadline;
import dev.sluice.storage.LtxFile;
import dev.sluice.storage.ReplicaClient;
import dev.sluice.storage.ReplicaException;
import dev.sluice.storage.RequestMeter;
import dev.sluice.storage.Target;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.concurrent.CountDownLatch;
import java.util.function.Consumer;

/**
 * Keeps a restored database current while its replica grows, for readers in other processes that
 * open it with an ordinary SQLite: each step is one transaction, which they see whole or not at
 * all, whatever happens to this process in between.
 *
 * <p>LTX files are fetched and verified before the copy is locked, so that no reader waits for a
 * network. Beside the copy lies a {@link CopyRecord}, by which a later process goes on. Confined to
 * one thread at a time; this process may not have the copy open through SQLite meanwhile.
 */
public final class CopyFollower {
  private static final int HEADER_BYTES = 100;
  private static final int PAGE_SIZE_AT = 16;

  private final ReplicaClient client;
  private final Restorer restorer;
  private final Path copy;
  private final Setup setup;
  private final StorageWait waits;
  private final Pursuit pursuit;
  private final Random random = new Random();
  private Optional<CopyRecord> record = Optional.empty();

  /** The newest file that was applied, if this process did it. */
  private Optional<LtxHeader> newest = Optional.empty();

  /**
   * What surrounds it.
   *
   * @param patience how long the storage may take to answer
   * @param closing opens when the copy is not to be followed any more: what has not begun to be
   *     written then is left
   * @param steps is told of each step of a transaction
   */
  public record Setup(Duration patience, CountDownLatch closing, Consumer<CopyStep> steps) {

    /** As the other, with nobody to be told. */
    public Setup(Duration patience, CountDownLatch closing) {
      this(patience, closing, step -> {});
    }
  }

  /**
   * Takes what is followed.
   *
   * @param client makes one attempt for each call; not closed here
   * @param restorer for the same replica; not closed here
   * @param copy the database file, or a symbolic link to it
   */
  public CopyFollower(ReplicaClient client, Restorer restorer, Path copy, Setup setup) {
    this.client = client;
    this.restorer = restorer;
    this.copy = DatabasePlace.real(copy);
    this.waits = new StorageWait(this.copy);
    this.setup = setup;
    this.pursuit = new Pursuit(client, new RequestMeter(), System::nanoTime);
  }

  /** Returns whether a path is a copy that was followed before, so that it can be gone on with. */
  public static boolean isCopy(Path path) {
    Path copy = DatabasePlace.real(path);
    return Files.isRegularFile(copy) && Files.isRegularFile(CopyRecord.beside(copy));
  }

  /**
   * Makes a restored database that has no name yet the beginning of the copy.
   *
   * @param staging the file, restored just now by the restorer that this was made with
   */
  public void begin(Path staging, Restorer.Result restored) throws IOException {
    CopyState first = new CopyState(restored.txid(), random.nextInt(), 0);
    byte[] pageOne = new byte[(int) (restored.bytes() / restored.pages())];
    try (RandomAccessFile file = new RandomAccessFile(staging.toFile(), "rw")) {
      file.readFully(pageOne);
      first.stamp(pageOne, restored.pages());
      file.seek(0);
      file.write(pageOne);
      file.getFD().sync();
    }
    CopyRecord begun = new CopyRecord(first, first, restorer.read());
    begun.write(copy);
    pursuit.know(begun.files());
    record = Optional.of(begun);
  }

  /**
   * Goes on with a copy that is there. Where nothing proves any more that the replica is the same,
   * because every file that is known has been compacted or deleted, all of the newest state is
   * fetched and the copy made equal to it, in one transaction.
   *
   * <p>SQLite has opened the copy before, and rolled back what a crash left.
   *
   * @return where the copy is now
   * @throws CopyException if the copy is not as it was left
   * @throws ViewException if the replica is another's, or ends before the copy
   */
  public Txid resume() throws IOException {
    StagingFile.removeLeftOvers(copy);
    CopyRecord before = CopyRecord.read(copy);
    CopyState state = currentState(before);
    record = Optional.of(new CopyRecord(state, state, before.files()));
    pursuit.know(before.files());
    try {
      if (!waits.run(() -> pursuit.isProven(state.txid(), deadline()))) {
        replaceAll();
      }
    } catch (CopyTransaction.ClosingException e) {
      // It stays where it is.
    }
    return txid();
  }

  private CopyState currentState(CopyRecord before) throws IOException {
    try (CopyTransaction look = CopyTransaction.reserve(copy, setup)) {
      return stateOf(before, header(look));
    }
  }

  /**
   * Has the copy followed no longer: what waits for the storage is broken off, and no transaction
   * begins to be written. Any thread may call.
   */
  public void stop() {
    setup.closing().countDown();
    waits.stop();
  }

  /** Returns where the copy is, once it has been begun or resumed. */
  public Txid txid() {
    return record.orElseThrow().to().txid();
  }

  private Deadline deadline() {
    return Deadline.after(setup.patience(), System::nanoTime);
  }

  private byte[] header(CopyTransaction copyFile) throws IOException {
    byte[] header = new byte[HEADER_BYTES];
    if (copyFile.length() < header.length) {
      throw new CopyException(copy + " is not the database that was followed");
    }
    copyFile.read(0, header);
    return header;
  }

  private CopyState stateOf(CopyRecord known, byte[] header) throws CopyException {
    Optional<CopyState> state = known.stateOf(header);
    if (state.isEmpty()) {
      throw new CopyException(
          copy + " was changed by another program after TXID " + known.from().txid());
    }
    return state.get();
  }

  private static int pageSize(byte[] header) {
    int field = ByteBuffer.wrap(header).getShort(PAGE_SIZE_AT) & 0xffff;
    return field == 1 ? 1 << 16 : field;
  }

  /**
   * Looks for news once, and applies what there is.
   *
   * @return whether the copy is at another TXID than before
   * @throws ViewException.Gap after as much was applied as there is: it may close
   * @throws ViewException another one: the history has ended
   * @throws CopyException if the copy is not as it was left
   * @throws ReplicaException if the storage does not answer for now
   * @throws LtxFormatException if a file is malformed and nothing else holds its TXIDs yet
   */
  public boolean poll() throws IOException {
    Txid before = txid();
    try {
      applyAll(waits.run(() -> pursuit.next(before, deadline())));
    } catch (CopyTransaction.ClosingException e) {
      // What was not written is left.
    }
    return !txid().equals(before);
  }

  private void applyAll(Pursuit.Next next) throws IOException {
    List<LtxFile> files = next.files();
    int at = 0;
    boolean isGoingOn = true;
    while (isGoingOn && at < files.size() && setup.closing().getCount() > 0) {
      try (FetchedFiles batch = new FetchedFiles(copy)) {
        boolean isOneSize = true;
        while (isOneSize && at < files.size() && batch.hasRoom(files.get(at))) {
          LtxFile file = files.get(at);
          isOneSize = waits.run(() -> isFetched(file, batch));
          at += isOneSize ? 1 : 0;
        }
        isGoingOn = isApplied(batch);
      }
    }
    if (next.gap().isPresent()) {
      throw next.gap().get();
    }
  }

  private boolean isFetched(LtxFile file, FetchedFiles batch) throws IOException {
    try {
      return batch.add(file, restorer.transfers());
    } catch (LtxFormatException e) {
      pursuit.avoid(file);
      throw e;
    } catch (ReplicaException.NotFound | ReplicaException.Conflict e) {
      pursuit.lookAgain(); // compacted meanwhile
      throw new ReplicaException.Unavailable(String.valueOf(e.getMessage()), e);
    }
  }

  /** Returns whether what follows on the batch may be applied. */
  private boolean isApplied(FetchedFiles batch) throws IOException {
    Txid end = batch.newest().range().max();
    if (batch.newest().commit() == 0) {
      throw new ViewException.Deleted(
          "follow " + client.location() + ": the database was deleted at TXID " + end);
    }
    boolean isOnePast = newest.filter(batch::isOnePastWith).isPresent();
    if (!isOfCopysPageSize(batch)) {
      replaceAll(); // with what is newest now, perhaps later than the files that are known here
      return false;
    }
    boolean isDone = change(batch, end, isOnePast, batch.known());
    if (isDone) {
      newest = Optional.of(batch.newest());
    }
    return isDone;
  }

  private boolean isOfCopysPageSize(CopyChange change) throws IOException {
    try (CopyTransaction look = CopyTransaction.reserve(copy, setup)) {
      return pageSize(header(look)) == change.pageSize();
    }
  }

  /** Makes the copy equal to the newest state, whatever it is now. */
  private void replaceAll() throws IOException {
    try (DatabasePlace beside = new DatabasePlace(copy, DatabasePlace.Existing.REPLACE)) {
      Restorer.Result restored =
          waits.run(() -> restorer.restore(new Target.Latest(), beside, Restorer.Progress.none()));
      try (RestoredImage image = new RestoredImage(beside.staging(), restored)) {
        change(image, restored.txid(), false, restorer.read());
        newest = Optional.empty();
      }
    }
  }

  /** Returns false if it was not done because nobody wants it any more. */
  private boolean change(CopyChange change, Txid end, boolean isOnePast, List<KnownFile> read)
      throws IOException {
    try (CopyTransaction transaction = CopyTransaction.reserve(copy, setup)) {
      byte[] header = header(transaction);
      CopyRecord before = record.orElseThrow();
      CopyState from = stateOf(before, header);
      CopyState to = from.next(end, isOnePast, random);
      new CopyRecord(from, to, known(before, read)).write(copy);
      setup.steps().accept(CopyStep.RECORDED);
      journal(transaction, change, pageSize(header));
      byte[] pageOne = pageOne(transaction, change, from);
      to.stamp(pageOne, change.commit());
      if (!transaction.isLockedOut()) {
        return false;
      }
      change.writeTo(
          (pgno, page) -> {
            if (pgno <= change.commit()) {
              transaction.write((pgno - 1) * change.pageSize(), page);
            }
          });
      transaction.write(0, pageOne);
      transaction.commit(change.commit() * change.pageSize());
      record = Optional.of(new CopyRecord(to, to, known(before, read)));
      pursuit.know(read);
      return true;
    }
  }

  private List<KnownFile> known(CopyRecord before, List<KnownFile> read) {
    List<KnownFile> known = new ArrayList<>(before.files());
    known.addAll(read);
    known.addAll(pursuit.landmarks());
    return known;
  }

  private static void journal(CopyTransaction transaction, CopyChange change, int pageSize)
      throws IOException {
    long commit = transaction.length() / pageSize;
    boolean isOneSize = pageSize == change.pageSize();
    PageSet written = isOneSize ? change.pages(transaction, commit) : new PageSet();
    PageSet lost = new PageSet();
    for (long pgno = 1; pgno <= commit; pgno++) {
      boolean isLost = pgno == 1 || !isOneSize || pgno > change.commit() || written.contains(pgno);
      if (isLost && pgno != LockPage.pgno(pageSize)) {
        lost.add(pgno);
      }
    }
    transaction.journal(lost, commit, pageSize);
  }

  private static byte[] pageOne(CopyTransaction transaction, CopyChange change, CopyState from)
      throws IOException {
    Optional<byte[]> changed = change.pageOne();
    if (changed.isPresent()) {
      return changed.get();
    }
    byte[] same = new byte[change.pageSize()];
    transaction.read(0, same);
    from.unmask(same);
    return same;
  }
}
