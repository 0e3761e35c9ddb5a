package dev.sluice.replicator.capture;

import dev.sluice.replicator.spool.Capture;
import dev.sluice.replicator.spool.Image;
import dev.sluice.replicator.spool.Spool;
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
import java.util.function.BooleanSupplier;

/**
 * Takes what is committed from a WAL that is held into the spool, or what was missed from the
 * database. The file is open from the first look to {@link #close}. Confined to one thread at a
 * time.
 */
final class WalIntake {
  private final CaptureSettings settings;
  private final Path path;
  private final Spool spool;
  private final CaptureBuffers buffers;
  private final PrimaryConnections connections;
  private Optional<OpenWal> open = Optional.empty();

  /** The {@code -wal} file. */
  private record OpenWal(FileChannel channel, WalReader reader) {}

  /**
   * @param path of the WAL
   * @param connections to be asked how far it goes
   */
  WalIntake(
      CaptureSettings settings,
      Path path,
      Spool spool,
      CaptureBuffers buffers,
      PrimaryConnections connections) {
    this.settings = settings;
    this.path = path;
    this.spool = spool;
    this.buffers = buffers;
    this.connections = connections;
  }

  private OpenWal wal() throws IOException {
    if (open.isEmpty()) {
      FileChannel channel = FileChannel.open(path, StandardOpenOption.READ);
      open = Optional.of(new OpenWal(channel, new WalReader(channel, path.toString())));
    }
    return open.get();
  }

  private WalLook look() throws IOException {
    return WalLook.of(wal().reader(), connections);
  }

  /**
   * Takes the frames behind the spool's position, if that still stands in the WAL. All that one
   * look has shown, or else nothing is proved: a reset meanwhile would hide the rest.
   *
   * @return how many; empty if something may have been missed
   */
  Optional<Long> goOn() throws IOException {
    Optional<WalPosition> position = spool.position();
    WalLook look = look();
    if (position.isEmpty()
        || look.header().isEmpty()
        || look.header().get().pageSize() != spool.pageSize()) {
      return Optional.empty();
    }
    long mxFrame = look.checkpoint().mxFrame();
    if (!stands(position.get(), mxFrame)) {
      return Optional.empty();
    }
    requireRoom(mxFrame - position.get().frame(), spool.pageSize());
    Capture taken = append(position.get(), spool.pageSize(), mxFrame);
    boolean isAll = taken.end() instanceof WalEnd.Reached && isAt(mxFrame);
    return isAll ? Optional.of(taken.frames()) : Optional.empty();
  }

  private boolean stands(WalPosition position, long mxFrame) throws IOException {
    ByteBuffer buffer = buffers.take();
    try {
      WalEnd proof = wal().reader().prove(position, spool.pageSize(), mxFrame, buffer);
      return proof instanceof WalEnd.Reached;
    } finally {
      buffers.giveBack(buffer);
    }
  }

  private boolean isAt(long frame) {
    return spool.position().filter(position -> position.frame() == frame).isPresent();
  }

  /**
   * Takes what the database differs by from the last cut. Nobody hands over before it returns.
   *
   * @param isGivenUp has this fail soon
   */
  void repair(DatabaseFile file, BooleanSupplier isGivenUp) throws IOException {
    ByteBuffer buffer = buffers.take();
    try {
      OpenWal wal = wal();
      Optional<Image> image =
          new PrimaryImage(file, wal.channel(), wal.reader(), buffer, isGivenUp).make(connections);
      if (image.isPresent()) {
        spool.repair(image.get());
      }
    } finally {
      buffers.giveBack(buffer);
    }
  }

  /**
   * Takes what was committed since the last time; a generation that is new follows on the last.
   *
   * @return how many frames
   * @throws BreakException if frames are missing
   */
  long take() throws IOException {
    WalLook look = look();
    if (look.header().isEmpty()) {
      return 0;
    }
    WalHeader header = look.header().get();
    if (spool.pageSize() != 0 && header.pageSize() != spool.pageSize()) {
      throw new BreakException(
          settings.database() + ": the page size has become " + header.pageSize());
    }
    WalPosition from = from(header);
    long mxFrame = look.checkpoint().mxFrame();
    if (from.frame() > mxFrame) {
      throw new BreakException(path + ": frames after " + mxFrame + " are gone");
    }
    if (from.frame() == mxFrame) {
      return 0; // and the generation may be gone by now
    }
    requireRoom(mxFrame - from.frame(), header.pageSize());
    Capture taken = append(from, header.pageSize(), mxFrame);
    if (!(taken.end() instanceof WalEnd.Reached)) {
      throw new BreakException(path + " after " + from + ": " + taken.end());
    }
    return taken.frames();
  }

  /**
   * Has the disk have what is in the WAL, and takes it: so that little is left to do of either
   * while writers are kept out.
   *
   * @return how many frames
   * @throws BreakException if frames are missing
   */
  long takeOntoDisk() throws IOException {
    wal().channel().force(false);
    return take();
  }

  private Capture append(WalPosition from, int pageSize, long mxFrame) throws IOException {
    ByteBuffer buffer = buffers.take();
    try {
      return spool.append(wal().reader().frames(from, pageSize, mxFrame, buffer));
    } finally {
      buffers.giveBack(buffer);
    }
  }

  private WalPosition from(WalHeader header) {
    return spool
        .position()
        .filter(position -> position.salts().equals(header.salts()))
        .orElse(header.start());
  }

  private void requireRoom(long frames, int pageSize) throws CaptureException {
    long bytes = settings.waitingBytes(spool);
    if (bytes > 0 && bytes + frames * pageSize > settings.spoolBytesMax()) {
      throw new CaptureException.SpoolFull(
          settings.database(), spool.directory(), bytes, settings.spoolBytesMax());
    }
  }

  /** Returns whether the spool has all that counts in the WAL, or will without another write. */
  boolean hasAll() throws IOException {
    WalLook look = look();
    boolean isAll =
        look.header().isEmpty()
            || (spool.pageSize() == look.header().get().pageSize()
                && from(look.header().get()).frame() == look.checkpoint().mxFrame());
    return isAll && !wal().reader().hasFrameBehind(spool.position());
  }

  /** Closes the file, which is opened again when somebody looks. */
  void close() throws IOException {
    if (open.isPresent()) {
      open.get().channel().close();
    }
    open = Optional.empty();
  }
}
