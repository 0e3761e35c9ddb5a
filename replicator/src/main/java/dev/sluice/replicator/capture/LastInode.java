package dev.sluice.replicator.capture;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;

/**
 * Which file a spool is of: another one that has taken its place may have a WAL that goes on in the
 * same words, for it is of the same history, and yet another content.
 */
final class LastInode {
  private static final String NAME = "inode";

  private LastInode() {}

  /** Returns whether a database is the one that was written down; true if none was. */
  static boolean is(Path spool, FileStat database) throws IOException {
    try {
      byte[] bytes = Files.readAllBytes(spool.resolve(NAME));
      return bytes.length == Long.BYTES && ByteBuffer.wrap(bytes).getLong() == database.inode();
    } catch (NoSuchFileException e) {
      return true;
    }
  }

  /** Writes it down, once it is captured. */
  static void write(Path spool, FileStat database) throws IOException {
    byte[] bytes = ByteBuffer.allocate(Long.BYTES).putLong(database.inode()).array();
    if (!Files.exists(spool.resolve(NAME)) || !is(spool, database)) {
      Files.write(spool.resolve(NAME), bytes);
    }
  }

  /** Has none be the one that was written down: what is there next is compared. */
  static void forget(Path spool) throws IOException {
    Files.write(spool.resolve(NAME), new byte[0]);
  }
}
