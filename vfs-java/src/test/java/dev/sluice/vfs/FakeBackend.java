package dev.sluice.vfs;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.BooleanSupplier;
import org.jspecify.annotations.Nullable;

/** Replicas that are database images in memory, by URL; for the native side alone. */
final class FakeBackend implements Backend {
  final Map<String, Database> databases = new ConcurrentHashMap<>();
  final AtomicInteger openFiles = new AtomicInteger();

  /** Thrown by the next opens, if set. */
  volatile @Nullable Throwable openFailure;

  /** Thrown by the next reads, if set. */
  volatile @Nullable Throwable readFailure;

  /** Runs in every read. */
  volatile Runnable beforeRead = () -> {};

  /** Thrown by the next pins, if set. */
  volatile @Nullable Throwable pinFailure;

  /** Whether connections were interrupted, as the last opened file may ask. */
  volatile BooleanSupplier isInterrupted = () -> false;

  final AtomicInteger stops = new AtomicInteger();

  @Override
  public void stop() {
    stops.incrementAndGet();
  }

  Database add(String url, Path image, int slots) throws IOException {
    Database database = new Database(Files.readAllBytes(image), slots);
    databases.put(url, database);
    return database;
  }

  @Override
  public ReplicaFile open(OpenRequest request) throws IOException {
    sneak(openFailure);
    ReplicaParameters parameters = request.parameters();
    Database database = databases.get(parameters.replicaUrl());
    if (database == null) {
      throw new IOException("open replica " + parameters.replicaUrl() + ": no such replica");
    }
    openFiles.incrementAndGet();
    isInterrupted = request.isInterrupted();
    return new PlainFile(database, parameters.get(ReplicaParameters.TXID).isPresent()) {
      @Override
      public void read(long word, long pgno, ByteBuffer dst) throws IOException {
        beforeRead.run();
        sneak(readFailure);
        super.read(word, pgno, dst);
      }

      @Override
      public void pin(ByteBuffer dst) {
        sneak(pinFailure);
        super.pin(dst);
      }

      @Override
      public void close() {
        openFiles.decrementAndGet();
      }
    };
  }

  @SuppressWarnings("unchecked")
  private static <T extends Throwable> void sneak(@Nullable Throwable failure) throws T {
    if (failure != null) {
      throw (T) failure;
    }
  }

  static final class Database {
    final FakeControl control;
    final int pageSize;
    final int commit;
    volatile byte[] image;
    volatile long txid = 5;

    Database(byte[] image, int slots) {
      this.image = image;
      ByteBuffer header = ByteBuffer.wrap(image);
      int size = Short.toUnsignedInt(header.getShort(16));
      pageSize = size == 1 ? 65536 : size;
      commit = image.length / pageSize;
      control = new FakeControl(slots);
      control.record(0, view(txid));
      if (slots > 0) {
        control.publish(txid, 0, pageSize);
      }
    }

    /** The record of the image as of a TXID: the change counter is the TXID. */
    byte[] view(long ofTxid) {
      ByteBuffer view = ByteBuffer.allocate(ReplicaFile.VIEW_BYTES).order(ByteOrder.nativeOrder());
      view.putLong(ofTxid).putInt(commit).putInt(pageSize).putLong(1).putLong(1_700_000_000_000L);
      ByteBuffer header = ByteBuffer.wrap(image, 0, 100).slice();
      byte[] bytes = new byte[100];
      header.get(bytes);
      ByteBuffer patched = ByteBuffer.wrap(bytes);
      patched.put(18, (byte) 1).put(19, (byte) 1);
      patched.putInt(24, (int) ofTxid).putInt(28, commit).putInt(92, (int) ofTxid);
      return view.put(bytes).array();
    }
  }

  /** A connection to an image. */
  static class PlainFile implements ReplicaFile {
    private final Database database;
    private final boolean isFixed;
    private boolean isMoved;
    private String error = "";

    PlainFile(Database database, boolean isFixed) {
      this.database = database;
      this.isFixed = isFixed;
    }

    @Override
    public long controlAddress() {
      return database.control.address;
    }

    @Override
    public boolean isFixed() {
      return isFixed;
    }

    @Override
    public void read(long word, long pgno, ByteBuffer dst) throws IOException {
      dst.put(database.image, (int) (pgno - 1) * database.pageSize, database.pageSize);
    }

    @Override
    public void pin(ByteBuffer dst) {
      dst.put(database.view(isFixed || isMoved ? 3 : database.txid));
    }

    @Override
    public void unpin() {}

    @Override
    public String time(long timeMillis) {
      return java.time.Instant.ofEpochMilli(timeMillis).toString();
    }

    @Override
    public long lagSeconds(long word) {
      return word == 0 ? -1 : 0;
    }

    @Override
    public String setTime(String time) {
      if (time.equals("never")) {
        throw new IllegalArgumentException("not a time: never");
      }
      isMoved = !time.equals("LATEST");
      return isMoved ? "0000000000000003" : "";
    }

    @Override
    public String awaitTxid(String txid, String seconds) {
      return txid + " within " + seconds;
    }

    @Override
    public String error() {
      return error;
    }

    @Override
    public void failed(String reason) {
      error = reason;
    }

    @Override
    public void close() {}
  }
}
