package dev.sluice.vfs;

import java.io.IOException;
import java.nio.ByteBuffer;

/**
 * What one SQLite connection has open of a replica.
 *
 * <p>Confined to one thread at a time, as SQLite uses a file; two files of one replica are used at
 * once.
 */
interface ReplicaFile extends AutoCloseable {

  /** Bytes of a view record as {@link #pin} writes it. */
  int VIEW_BYTES = 192;

  /**
   * Returns the address of the replica's control memory, or 0 if every pin goes through {@link
   * #pin}.
   */
  long controlAddress();

  /** Returns the address of the replica's page store, or 0 if every page comes by {@link #read}. */
  default long storeAddress() {
    return 0;
  }

  /**
   * Returns whether the view was chosen at open and never moves; it is then pinned through {@link
   * #pin}.
   */
  boolean isFixed();

  /**
   * Fills {@code dst}, one page long, with a page as the replica holds it.
   *
   * @param word the publish word of the view, or 0 for the view of {@link #pin}
   * @param pgno 1 up to the view's commit
   */
  void read(long word, long pgno, ByteBuffer dst) throws IOException;

  /**
   * Pins a view until {@link #unpin} and writes its record: {@value #VIEW_BYTES} bytes, native byte
   * order.
   *
   * @throws IOException if the replica is not there any more
   */
  void pin(ByteBuffer dst) throws IOException;

  void unpin();

  /** Returns a view's time as a user sees it. */
  String time(long timeMillis);

  /**
   * Returns the seconds since the view was last proven the newest, -1 before the first proof.
   *
   * @param word as for {@link #read}
   */
  long lagSeconds(long word);

  /**
   * Chooses the view of the pins from now on; none is pinned at this time. They go through {@link
   * #pin} until the latest view is chosen again.
   *
   * @param time as a user writes it
   * @return the TXID of the view, empty if it is the latest
   * @throws IllegalArgumentException if the text is no time
   */
  String setTime(String time) throws IOException;

  /**
   * Waits until the latest view is of a TXID or a later one, and returns its TXID.
   *
   * @param txid as a user writes it
   * @param seconds how long, likewise
   * @throws IllegalArgumentException if one of the texts makes no sense
   */
  String awaitTxid(String txid, String seconds) throws IOException;

  /** Returns how much of the latest view the page store holds: percent as a user sees them. */
  default String hydrationProgress() {
    return "0";
  }

  /** Returns the path of the page store's pages, empty if there is none. */
  default String hydrationFile() {
    return "";
  }

  /** Returns what last went wrong, empty if nothing has. */
  String error();

  /** Keeps what went wrong in a read, for {@link #error}; empty when reads go well again. */
  void failed(String reason);

  @Override
  void close();
}
