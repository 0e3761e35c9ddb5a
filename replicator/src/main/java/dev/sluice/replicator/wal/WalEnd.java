package dev.sluice.replicator.wal;

/**
 * Why no more frames come; each kind is another thing for the caller to do. What was read before
 * stays proved, whatever comes after it. Immutable.
 */
public sealed interface WalEnd {

  /** The frame that was asked for is reached, and all up to it is proved. */
  record Reached() implements WalEnd {}

  /** The WAL has been reset: its header has other salts, or another checksum under the same. */
  record OtherGeneration(WalHeader now) implements WalEnd {}

  /** The file ends before the frame does: nothing was written there, or the file was cut. */
  record EndOfFile(long frame, long fileBytes) implements WalEnd {}

  /** The frame is none of this generation's, as the frames before it prove. */
  record Unverified(long frame, Fault fault) implements WalEnd {}

  /** SQLite's last frame is before the place to read from: the WAL has lost frames. */
  record Behind(long mxFrame) implements WalEnd {}

  /** The header is none. */
  record MalformedHeader(String rule) implements WalEnd {}

  /** The generation is of another page size than was asked for. */
  record OtherPageSize(WalHeader now) implements WalEnd {}

  /** What is wrong with a frame. */
  enum Fault {
    /** It was left there by a generation before, and has not been overwritten yet. */
    SALTS,
    /** It is torn, or of another generation with these salts. */
    CHECKSUM,
    /** It says it is of page 0. */
    PGNO
  }
}
