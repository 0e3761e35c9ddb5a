package dev.sluice.replicator.capture;

import dev.sluice.replicator.spool.Capture;
import dev.sluice.replicator.spool.Cut;
import dev.sluice.replicator.spool.Image;
import dev.sluice.replicator.spool.Spool;
import dev.sluice.replicator.wal.FrameReader;
import dev.sluice.replicator.wal.WalEnd;
import dev.sluice.replicator.wal.WalHeader;
import dev.sluice.replicator.wal.WalPosition;
import dev.sluice.replicator.wal.WalReader;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Optional;

/**
 * Takes the commits of one live database into its spool, and checkpoints its WAL.
 *
 * <p>A reader of ours always holds the WAL, and ends only when every frame up to its own mark is in
 * the spool's log. So a generation that is new while it was held follows on the last without a gap;
 * one that is new after a gap does not, and neither does anything that cannot be verified: then the
 * whole database is taken anew. The application notices nothing but a checkpoint, and now and then
 * that it waits for a writer. Confined to one thread at a time.
 */
public final class DatabaseCapture implements AutoCloseable {
  /** Pages in the WAL at which it is checkpointed: SQLite's own default. */
  private static final int CHECKPOINT_PAGES = 1000;

  private static final long BARRIER_LIMIT_NANOS = 100_000_000;
  private static final int BUFFER_BYTES = 1 << 20;

  private final Path database;
  private final Spool spool;
  private final DatabaseFile file;
  private final PrimaryConnections connections;
  private final FileChannel walFile;
  private final WalReader wal;
  private final ByteBuffer buffer = ByteBuffer.allocateDirect(BUFFER_BYTES);

  /** Whether the reader began when the database had all frames: then it hinders no reset. */
  private boolean isAtRest;

  private long barrierMisses;

  private DatabaseCapture(Path database, Spool spool) throws IOException {
    this.database = database;
    this.spool = spool;
    this.file = DatabaseFile.open(database); // before any connection
    this.connections = PrimaryConnections.open(database);
    FileChannel opened = null;
    try {
      opened = openWal(database);
      this.walFile = opened;
      this.wal = new WalReader(walFile, database + "-wal");
      takeUp();
    } catch (IOException | RuntimeException e) {
      if (opened != null) {
        opened.close();
      }
      connections.close();
      throw e;
    }
  }

  private static FileChannel openWal(Path database) throws IOException {
    return FileChannel.open(Path.of(database + "-wal"), StandardOpenOption.READ);
  }

  /**
   * Begins where the spool ends, or with an image of the whole database where that cannot be proved
   * to be without a gap.
   *
   * @throws IOException if the database cannot be opened or read
   */
  public static DatabaseCapture begin(Path database, Spool spool) throws IOException {
    return new DatabaseCapture(database, spool);
  }

  private void takeUp() throws IOException {
    if (!isContinuous()) {
      takeImage();
    }
    capture();
  }

  /** The first reader is held already: what is the same now stays so. */
  private boolean isContinuous() throws IOException {
    Optional<WalPosition> position = spool.position();
    WalLook look = WalLook.of(wal, connections);
    return position.isPresent()
        && look.header().isPresent()
        && look.header().get().pageSize() == spool.pageSize()
        && wal.prove(position.get(), spool.pageSize(), look.checkpoint().mxFrame(), buffer)
            instanceof WalEnd.Reached;
  }

  /** Nobody hands over before the image is written. */
  private void takeImage() throws IOException {
    Optional<Image> image = new PrimaryImage(file, walFile, wal, buffer).make(connections);
    if (image.isPresent()) {
      Cut cut = spool.replace(image.get());
      cut.write();
    }
  }

  /**
   * Takes what was committed since the last call, hands over, and checkpoints if the WAL is long.
   * To be called soon after each change: whoever resets the WAL waits for it.
   *
   * @return how many frames were taken
   * @throws IOException if the WAL cannot be followed any more, or the spool's disk is full
   */
  public long capture() throws IOException {
    long frames = take();
    Checkpoint look = connections.look();
    if (frames > 0 || (look.isComplete() && !isAtRest)) {
      connections.handOver();
      isAtRest = look.isComplete();
    }
    if (!look.isComplete() && look.mxFrame() >= CHECKPOINT_PAGES) {
      frames += checkpoint();
    }
    return frames;
  }

  private long take() throws IOException {
    long frames = 0;
    while (true) {
      WalLook look = WalLook.of(wal, connections);
      if (look.header().isEmpty()) {
        return frames;
      }
      WalHeader header = look.header().get();
      if (spool.pageSize() != 0 && header.pageSize() != spool.pageSize()) {
        throw new IOException(
            "capture " + database + ": the page size has become " + header.pageSize());
      }
      WalPosition from = from(header);
      long mxFrame = look.checkpoint().mxFrame();
      if (from.frame() == mxFrame) {
        return frames; // and the generation may be gone by now
      }
      FrameReader reader = wal.frames(from, header.pageSize(), mxFrame, buffer);
      Capture taken = spool.append(reader);
      frames += taken.frames();
      if (taken.end() instanceof WalEnd.Reached) {
        return frames;
      }
      if (!(taken.end() instanceof WalEnd.OtherGeneration)) {
        throw new IOException("capture " + database + ": " + taken.end());
      }
    }
  }

  private WalPosition from(WalHeader header) {
    return spool
        .position()
        .filter(position -> position.salts().equals(header.salts()))
        .orElse(header.start());
  }

  /**
   * Copies the WAL into the database, and has it begin anew with the next commit, which takes a
   * moment without writers: a reader's mark is else never at its end.
   */
  private long checkpoint() throws IOException {
    connections.passive();
    if (!keepWritersOut()) {
      barrierMisses++;
      return 0;
    }
    try {
      long frames = take();
      connections.handOver();
      isAtRest = connections.passive().isComplete();
      connections.handOver();
      return frames;
    } finally {
      connections.letWritersIn();
    }
  }

  private boolean keepWritersOut() throws IOException {
    long begunNanos = System.nanoTime();
    while (!connections.keepWritersOut()) {
      if (System.nanoTime() - begunNanos > BARRIER_LIMIT_NANOS) {
        return false;
      }
      Thread.onSpinWait();
    }
    return true;
  }

  /**
   * Leaves the WAL as short as can be, for a time without commits: then the reader that is held
   * hinders nobody.
   */
  public void rest() throws IOException {
    Checkpoint answer = connections.look();
    if (!answer.isComplete()) {
      isAtRest = connections.passive().isComplete();
      connections.handOver();
    }
  }

  /** Returns how often no moment without writers was found for a checkpoint. */
  public long barrierMisses() {
    return barrierMisses;
  }

  /** Lets go of the database; what was captured is in the spool. */
  @Override
  public void close() throws IOException {
    try (walFile) {
      connections.close();
    }
  }
}
