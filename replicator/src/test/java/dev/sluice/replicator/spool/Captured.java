package dev.sluice.replicator.spool;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sluice.ltx.LtxDecoder;
import dev.sluice.ltx.LtxHeader;
import dev.sluice.ltx.Txid;
import dev.sluice.replicator.wal.FrameReader;
import dev.sluice.replicator.wal.LiveDatabase;
import dev.sluice.replicator.wal.WalEnd;
import dev.sluice.replicator.wal.WalHeader;
import dev.sluice.replicator.wal.WalPosition;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;

/**
 * A live database and a spool that captures it: what the engine does, in one thread and without
 * other writers, so that no generation ends unseen. Confined to one thread at a time.
 */
final class Captured implements AutoCloseable {
  private final LiveDatabase database;
  private final Path directory;
  private final SpoolSetup setup;
  private final ByteBuffer buffer = ByteBuffer.allocateDirect(FrameReader.BUFFER_BYTES_MIN);
  private Spool spool;

  Captured(LiveDatabase database, Path directory, SpoolSetup setup) throws IOException {
    this.database = database;
    this.directory = directory;
    this.setup = setup;
    this.spool = openOrBegin(directory, setup);
  }

  static Spool openOrBegin(Path directory, SpoolSetup setup) throws IOException {
    try {
      return Spool.open(directory, setup);
    } catch (SpoolException.NoRecord e) {
      return Spool.begin(directory, Txid.NONE, 0, setup);
    }
  }

  LiveDatabase database() {
    return database;
  }

  Spool spool() {
    return spool;
  }

  /** Takes all commits into the log. */
  void capture() throws SQLException, IOException {
    capture(database.mxFrame());
  }

  /** As the other, up to a frame that need not be a commit. */
  void capture(long limit) throws SQLException, IOException {
    FrameReader frames = frames(limit);
    spool.append(frames);
    if (limit == database.mxFrame()) {
      assertInstanceOf(WalEnd.Reached.class, frames.end());
    }
  }

  FrameReader frames(long limit) throws IOException {
    WalHeader header = database.wal().header().orElseThrow();
    WalPosition from =
        spool
            .position()
            .filter(position -> position.salts().equals(header.salts()))
            .orElse(header.start());
    return database.wal().frames(from, header.pageSize(), limit, buffer);
  }

  /** Cuts what is in the log, and compares the file with the state that was captured last. */
  CutRecord cut() throws IOException {
    return spool.seal().orElseThrow().write();
  }

  /** Kills the process in mind and opens the spool again. */
  void reopen() throws IOException {
    spool.abandon();
    spool = openOrBegin(directory, setup);
  }

  /** Cuts what the database is now, though frames were missed. */
  CutRecord repair() throws SQLException, IOException {
    byte[] image = database.image();
    int pageSize = database.wal().header().orElseThrow().pageSize();
    WalHeader header = database.wal().header().orElseThrow();
    FrameReader rest = database.wal().frames(header.start(), pageSize, database.mxFrame(), buffer);
    while (rest.next()) {
      // To know where the image stands.
    }
    return spool.repair(
        new Image(
            pageSize,
            image.length / pageSize,
            Optional.of(rest.position()),
            pages(image, pageSize)));
  }

  static PageSource pages(byte[] image, int pageSize) {
    return file -> {
      for (int at = 0; at < image.length; at += pageSize) {
        file.page(at / pageSize + 1, Arrays.copyOfRange(image, at, at + pageSize));
      }
    };
  }

  /** Fails unless the files of the spool, applied one after another, are the database. */
  void requireRestored() throws SQLException, IOException {
    assertArrayEquals(database.image(), restore(spool));
  }

  /** Returns the headers of all files, ascending. */
  static List<LtxHeader> headers(Spool spool) throws IOException {
    List<LtxHeader> headers = new ArrayList<>();
    for (SpooledFile file : spool.files()) {
      headers.add(LtxHeader.parse(ByteBuffer.wrap(Files.readAllBytes(file.path())), "file"));
    }
    return headers;
  }

  /** Applies all files from TXID 1 on, which must be without a gap. */
  static byte[] restore(Spool spool) throws IOException {
    byte[] image = {};
    Txid expected = Txid.FIRST;
    for (SpooledFile file : spool.files()) {
      assertEquals(expected, file.txid());
      assertEquals(Files.size(file.path()), file.bytes());
      image = apply(image, file.path());
      expected = expected.next();
    }
    assertEquals(spool.lastCut().txid(), expected.previous());
    return image;
  }

  static byte[] apply(byte[] before, Path file) throws IOException {
    return apply(before, Files.readAllBytes(file));
  }

  static byte[] apply(byte[] before, byte[] file) throws IOException {
    try (LtxDecoder decoder = new LtxDecoder(new ByteArrayInputStream(file), "file")) {
      LtxHeader header = decoder.header();
      int pageSize = header.pageSize();
      byte[] image = Arrays.copyOf(before, Math.toIntExact(header.commit() * pageSize));
      while (decoder.next()) {
        int at = Math.toIntExact((decoder.pgno() - 1) * pageSize);
        System.arraycopy(decoder.page(), 0, image, at, pageSize);
      }
      decoder.finish();
      assertEquals(LtxHeader.FLAG_NO_CHECKSUM, header.flags());
      assertTrue(header.walOffset() >= WalHeader.BYTES);
      return image;
    }
  }

  @Override
  public void close() throws IOException, SQLException {
    spool.close();
    database.close();
  }
}
