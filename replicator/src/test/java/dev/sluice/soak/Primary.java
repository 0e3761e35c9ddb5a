package dev.sluice.soak;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.util.List;

/** The application's database, looked at from outside while nobody writes. */
final class Primary {

  private static final int WAL_HEADER = 32;
  private static final int FRAME_HEADER = 24;
  private static final int AT_PAGE_SIZE = 8;
  private static final int AT_MX_FRAME = 16;

  private Primary() {}

  /**
   * Copies a database and its WAL, and merges the copies into one file. What lies in the WAL behind
   * the last frame that its -shm names is left out: a writer that was killed may have left a commit
   * there that nobody has ever seen.
   */
  static Path copy(Path database, Path to) throws IOException, SQLException {
    Files.deleteIfExists(Path.of(to + "-shm"));
    for (String suffix : List.of("", "-wal")) {
      Files.deleteIfExists(Path.of(to + suffix));
      Path from = Path.of(database + suffix);
      if (Files.exists(from)) {
        Files.copy(from, Path.of(to + suffix));
      }
    }
    cutBehindLastFrame(Path.of(to + "-wal"), Path.of(database + "-shm"));
    try (Connection connection = DriverManager.getConnection("jdbc:sqlite:" + to)) {
      Application.value(connection, "PRAGMA wal_checkpoint(TRUNCATE)");
    }
    return to;
  }

  private static void cutBehindLastFrame(Path wal, Path shm) throws IOException {
    if (!Files.exists(shm) || !Files.exists(wal) || Files.size(wal) < WAL_HEADER) {
      return; // nobody has it open: SQLite finds the last frame by itself
    }
    byte[] index = Files.readAllBytes(shm);
    long mxFrame =
        Integer.toUnsignedLong(
            ByteBuffer.wrap(index).order(ByteOrder.nativeOrder()).getInt(AT_MX_FRAME));
    try (FileChannel file =
        FileChannel.open(wal, StandardOpenOption.READ, StandardOpenOption.WRITE)) {
      ByteBuffer header = ByteBuffer.allocate(WAL_HEADER);
      file.read(header, 0);
      file.truncate(WAL_HEADER + mxFrame * (FRAME_HEADER + header.getInt(AT_PAGE_SIZE)));
    }
  }
}
