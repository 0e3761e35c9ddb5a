package dev.sluice.soak;

import dev.sluice.ltx.LtxDecoder;
import dev.sluice.ltx.LtxHeader;
import java.io.BufferedInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.util.zip.CRC32C;

/**
 * A database file to which one level-0 file after the other is applied: the state of each TXID for
 * the price of its changes. Confined to one thread at a time.
 */
final class Replayed implements AutoCloseable {
  private static final int BUFFER_BYTES = 1 << 20;

  private final Path path;
  private final FileChannel file;
  private int pageSize;

  Replayed(Path path) throws IOException {
    this.path = path;
    this.file =
        FileChannel.open(
            path, StandardOpenOption.CREATE_NEW, StandardOpenOption.READ, StandardOpenOption.WRITE);
  }

  /** Applies a file; returns its header. */
  LtxHeader apply(Path ltx) throws IOException {
    try (InputStream in = new BufferedInputStream(Files.newInputStream(ltx));
        LtxDecoder decoder = new LtxDecoder(in, ltx.toString())) {
      LtxHeader header = decoder.header();
      if (header.pageSize() != pageSize) {
        pageSize = header.pageSize();
        file.truncate(0);
      }
      while (decoder.next()) {
        ByteBuffer page = ByteBuffer.wrap(decoder.page());
        long offset = (decoder.pgno() - 1) * pageSize;
        while (page.hasRemaining()) {
          file.write(page, offset + page.position());
        }
      }
      decoder.finish();
      file.truncate(header.commit() * pageSize);
      return header;
    }
  }

  /** Begins with nothing again. */
  void clear() throws IOException {
    file.truncate(0);
    pageSize = 0;
  }

  /** Returns the CRC of all bytes. */
  long digest() throws IOException {
    CRC32C crc = new CRC32C();
    ByteBuffer bytes = ByteBuffer.allocate(BUFFER_BYTES);
    long at = 0;
    for (int count = file.read(bytes, at); count > 0; count = file.read(bytes, at)) {
      crc.update(bytes.flip());
      bytes.clear();
      at += count;
    }
    return crc.getValue();
  }

  Path path() {
    return path;
  }

  /** Opens it as a database that nobody changes meanwhile. */
  Connection open() throws SQLException {
    return DriverManager.getConnection("jdbc:sqlite:file:" + path + "?immutable=1");
  }

  @Override
  public void close() throws IOException {
    file.close();
  }
}
