package dev.sluice.replicator.wal;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.sql.SQLException;
import java.util.Arrays;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

final class WalReaderTest {
  private static final int PAGE_SIZE = 512;
  private static final int FRAME_BYTES = PAGE_SIZE + WalFrame.HEADER_BYTES;

  @TempDir Path folder;

  private final ByteBuffer buffer = ByteBuffer.allocateDirect(FrameReader.BUFFER_BYTES_MIN);

  /** What a reader gave. */
  private record Read(long frames, WalPosition position, long commit, WalEnd end) {}

  private Read read(WalReader wal, WalPosition from, int pageSize, long mxFrame)
      throws IOException {
    return read(wal.frames(from, pageSize, mxFrame, buffer));
  }

  private static Read read(FrameReader frames) throws IOException {
    long count = 0;
    while (frames.next()) {
      assertEquals(
          (long) frames.count() * WalFrame.bytes(frames.run().pageSize()),
          frames.frames().remaining());
      count += frames.count();
    }
    assertEquals(0, frames.count());
    return new Read(count, frames.position(), frames.commit(), frames.end());
  }

  private FileChannel openCopy(byte[] wal) throws IOException {
    Path file = folder.resolve("copy-wal");
    Files.write(file, wal);
    return FileChannel.open(file, StandardOpenOption.READ, StandardOpenOption.WRITE);
  }

  private Read readFile(byte[] wal, WalPosition from, long mxFrame) throws IOException {
    try (FileChannel channel = openCopy(wal)) {
      return read(new WalReader(channel, "copy-wal"), from, PAGE_SIZE, mxFrame);
    }
  }

  private LiveDatabase database(int pageSize) throws SQLException, IOException {
    return LiveDatabase.create(folder.resolve("db"), pageSize);
  }

  @ParameterizedTest
  @ValueSource(ints = {512, 1024, 2048, 4096, 8192, 16384, 32768, 65536})
  void allFramesOfEachPageSizeVerify(int pageSize) throws SQLException, IOException {
    try (LiveDatabase database = database(pageSize)) {
      database.insert(20, 3 * pageSize);
      database.insert(1, 10);
      WalHeader header = database.wal().header().orElseThrow();
      assertEquals(pageSize, header.pageSize());
      long mxFrame = database.mxFrame();
      Read all = read(database.wal(), header.start(), pageSize, mxFrame);
      assertEquals(mxFrame, all.frames());
      assertEquals(mxFrame, all.position().frame());
      assertEquals(database.image().length / pageSize, all.commit());
      assertInstanceOf(WalEnd.Reached.class, all.end());
    }
  }

  @Test
  void readingGoesOnWhereItEnded() throws SQLException, IOException {
    try (LiveDatabase database = database(PAGE_SIZE)) {
      WalPosition position = database.wal().header().orElseThrow().start();
      for (int i = 0; i < 5; i++) {
        database.insert(3, 100);
        long mxFrame = database.mxFrame();
        Read next = read(database.wal(), position, PAGE_SIZE, mxFrame);
        assertEquals(mxFrame - position.frame(), next.frames());
        position = next.position();
      }
      assertEquals(
          new WalEnd.Reached(),
          database.wal().prove(position, PAGE_SIZE, position.frame(), buffer));
    }
  }

  @Test
  void nothingBehindTheLimitIsRead() throws SQLException, IOException {
    try (LiveDatabase database = database(PAGE_SIZE)) {
      WalPosition start = database.wal().header().orElseThrow().start();
      long first = database.mxFrame();
      database.insert(3, 100);
      Read read = read(database.wal(), start, PAGE_SIZE, first);
      assertEquals(first, read.frames());
      assertEquals(first, read.position().frame());
    }
  }

  @Test
  void framesOfTransactionRolledBackAreNotCommitted() throws SQLException, IOException {
    try (LiveDatabase database = database(PAGE_SIZE)) {
      long mxFrame = database.mxFrame();
      database.execute("PRAGMA cache_size = 5", "BEGIN");
      database.insert(200, 400);
      database.execute("ROLLBACK");
      assertEquals(mxFrame, database.mxFrame());
      assertTrue(Files.size(database.walPath()) > WalFrame.offset(mxFrame + 20, PAGE_SIZE));
      WalPosition start = database.wal().header().orElseThrow().start();
      assertEquals(mxFrame, read(database.wal(), start, PAGE_SIZE, mxFrame).frames());
      Read beyond = read(database.wal(), start, PAGE_SIZE, mxFrame + 20);
      assertEquals(mxFrame, beyond.position().frame());
    }
  }

  @Test
  void framesOfAnEarlierGenerationBehindTheEndDoNotVerify() throws SQLException, IOException {
    try (LiveDatabase database = database(PAGE_SIZE)) {
      database.insert(50, 400);
      WalPosition old = database.wal().header().orElseThrow().start();
      long oldFrames = database.mxFrame();
      database.checkpoint("RESTART");
      database.insert(1, 10);
      WalHeader now = database.wal().header().orElseThrow();
      long mxFrame = database.mxFrame();
      Read read = read(database.wal(), now.start(), PAGE_SIZE, oldFrames);
      assertEquals(mxFrame, read.frames());
      assertEquals(mxFrame, read.position().frame());
      assertEquals(new WalEnd.Unverified(mxFrame + 1, WalEnd.Fault.SALTS), read.end());
      assertEquals(new WalEnd.OtherGeneration(now), read(database.wal(), old, PAGE_SIZE, 5).end());
      WalPosition last = new WalPosition(old.salts(), oldFrames, checksumAt(database, oldFrames));
      assertEquals(
          new WalEnd.OtherGeneration(now),
          database.wal().prove(last, PAGE_SIZE, oldFrames, buffer));
    }
  }

  private static long checksumAt(LiveDatabase database, long frame) throws IOException {
    ByteBuffer checksum = ByteBuffer.allocate(Long.BYTES);
    database.walChannel().read(checksum, WalFrame.offset(frame, PAGE_SIZE) + WalFrame.AT_CHECKSUM);
    return checksum.getLong(0);
  }

  @Test
  void truncatedWalHasNoHeaderAndEndsEarly() throws SQLException, IOException {
    try (LiveDatabase database = database(PAGE_SIZE)) {
      WalPosition start = database.wal().header().orElseThrow().start();
      database.checkpoint("TRUNCATE");
      assertEquals(Optional.empty(), database.wal().header());
      assertEquals(new WalEnd.EndOfFile(1, 0), read(database.wal(), start, PAGE_SIZE, 1).end());
      assertEquals(new WalEnd.EndOfFile(1, 0), database.wal().prove(start, PAGE_SIZE, 1, buffer));
    }
  }

  @Test
  void otherPageSizeIsTold() throws SQLException, IOException {
    try (LiveDatabase database = database(PAGE_SIZE)) {
      WalHeader header = database.wal().header().orElseThrow();
      assertEquals(
          new WalEnd.OtherPageSize(header), read(database.wal(), header.start(), 1024, 1).end());
    }
  }

  @Test
  void walThatLostFramesIsBehind() throws SQLException, IOException {
    try (LiveDatabase database = database(PAGE_SIZE)) {
      database.insert(5, 300);
      WalPosition start = database.wal().header().orElseThrow().start();
      Read all = read(database.wal(), start, PAGE_SIZE, database.mxFrame());
      assertEquals(new WalEnd.Behind(2), read(database.wal(), all.position(), PAGE_SIZE, 2).end());
      assertEquals(
          new WalEnd.Behind(2), database.wal().prove(all.position(), PAGE_SIZE, 2, buffer));
    }
  }

  @Test
  void positionWithAnotherChecksumIsNotProved() throws SQLException, IOException {
    try (LiveDatabase database = database(PAGE_SIZE)) {
      database.insert(5, 300);
      WalPosition start = database.wal().header().orElseThrow().start();
      WalPosition end = read(database.wal(), start, PAGE_SIZE, database.mxFrame()).position();
      WalPosition other = new WalPosition(end.salts(), end.frame(), end.checksum() + 1);
      assertEquals(
          new WalEnd.Unverified(end.frame(), WalEnd.Fault.CHECKSUM),
          database.wal().prove(other, PAGE_SIZE, end.frame(), buffer));
      assertEquals(
          new WalEnd.Reached(), database.wal().prove(start, PAGE_SIZE, end.frame(), buffer));
      WalPosition otherStart = new WalPosition(start.salts(), 0, start.checksum() + 1);
      assertInstanceOf(
          WalEnd.OtherGeneration.class,
          database.wal().prove(otherStart, PAGE_SIZE, end.frame(), buffer));
    }
  }

  @Test
  void tornPageUnderTheFramesOwnWordIsNotProved() throws SQLException, IOException {
    byte[] wal = smallWal();
    long frames = frameCount(wal);
    WalPosition end = readFile(wal, start(wal), frames).position();
    wal[(int) WalFrame.offset(end.frame(), PAGE_SIZE) + 100] ^= 1;
    Path file = folder.resolve("torn-wal");
    Files.write(file, wal);
    try (FileChannel channel = FileChannel.open(file, StandardOpenOption.READ)) {
      assertEquals(
          new WalEnd.Unverified(end.frame(), WalEnd.Fault.CHECKSUM),
          new WalReader(channel, "torn-wal").prove(end, PAGE_SIZE, end.frame(), buffer));
    }
  }

  private byte[] smallWal() throws SQLException, IOException {
    try (LiveDatabase database = database(PAGE_SIZE)) {
      database.insert(2, 300);
      database.insert(1, 900);
      database.insert(1, 10);
      return Files.readAllBytes(database.walPath());
    }
  }

  private static int frameCount(byte[] wal) {
    return (wal.length - WalHeader.BYTES) / FRAME_BYTES;
  }

  private static WalPosition start(byte[] wal) throws IOException {
    return WalHeader.parse(ByteBuffer.wrap(wal), "wal").start();
  }

  /** Returns the greatest commit frame that ends at {@code bytes} or before. */
  private static long lastCommit(byte[] wal, long bytes) {
    long last = 0;
    for (long frame = 1; WalFrame.offset(frame + 1, PAGE_SIZE) <= bytes; frame++) {
      int at = (int) WalFrame.offset(frame, PAGE_SIZE);
      if (ByteBuffer.wrap(wal).getInt(at + WalFrame.AT_COMMIT) != 0) {
        last = frame;
      }
    }
    return last;
  }

  @Test
  void walCutAtAnyByteGivesTheCommitsBefore() throws SQLException, IOException {
    byte[] wal = smallWal();
    long frames = frameCount(wal);
    WalPosition start = start(wal);
    try (FileChannel channel = openCopy(wal)) {
      WalReader reader = new WalReader(channel, "copy-wal");
      for (int length = wal.length - 1; length >= 0; length--) {
        channel.truncate(length);
        Read read = read(reader, start, PAGE_SIZE, frames);
        long whole = Math.max(0, (length - WalHeader.BYTES) / FRAME_BYTES);
        assertEquals(new WalEnd.EndOfFile(whole + 1, length), read.end());
        assertEquals(whole, read.frames());
        assertEquals(lastCommit(wal, length), read.position().frame());
      }
    }
  }

  @Test
  void flippedByteEndsTheProofAtItsFrame() throws SQLException, IOException {
    byte[] wal = smallWal();
    long frames = frameCount(wal);
    WalPosition start = start(wal);
    try (FileChannel channel = openCopy(wal)) {
      WalReader reader = new WalReader(channel, "copy-wal");
      for (int at = 0; at < wal.length; at++) {
        channel.write(ByteBuffer.wrap(new byte[] {(byte) (wal[at] ^ 0x40)}), at);
        requireEndAt(at, read(reader, start, PAGE_SIZE, frames), wal);
        channel.write(ByteBuffer.wrap(wal, at, 1), at);
      }
    }
  }

  private static void requireEndAt(int flipped, Read read, byte[] wal) {
    if (flipped < WalHeader.BYTES) {
      assertInstanceOf(WalEnd.MalformedHeader.class, read.end());
      assertEquals(0, read.frames());
      return;
    }
    int frame = (flipped - WalHeader.BYTES) / FRAME_BYTES + 1;
    int inFrame = (flipped - WalHeader.BYTES) % FRAME_BYTES;
    boolean isSalt = inFrame >= WalFrame.AT_SALT1 && inFrame < WalFrame.AT_CHECKSUM;
    WalEnd.Fault fault = isSalt ? WalEnd.Fault.SALTS : WalEnd.Fault.CHECKSUM;
    assertEquals(new WalEnd.Unverified(frame, fault), read.end());
    assertEquals(lastCommit(wal, WalFrame.offset(frame, PAGE_SIZE)), read.position().frame());
  }

  @Test
  void bigEndianChecksumsVerify() throws SQLException, IOException {
    byte[] little = smallWal();
    byte[] big = bigEndian(little);
    long frames = frameCount(big);
    assertEquals(ByteOrder.BIG_ENDIAN, WalHeader.parse(ByteBuffer.wrap(big), "wal").order());
    Read read = readFile(big, start(big), frames);
    assertEquals(frames, read.frames());
    assertEquals(frames, read.position().frame());
    assertEquals(new WalEnd.Reached(), read.end());
  }

  /** Returns a WAL as a machine of the other byte order writes it; sums word by word. */
  private static byte[] bigEndian(byte[] wal) {
    ByteBuffer bytes = ByteBuffer.wrap(wal.clone());
    bytes.putInt(0, 0x377F0683);
    int[] sum = {0, 0};
    sum(bytes, 0, 24, sum);
    bytes.putInt(24, sum[0]).putInt(28, sum[1]);
    for (int at = WalHeader.BYTES; at < wal.length; at += FRAME_BYTES) {
      sum(bytes, at, 8, sum);
      sum(bytes, at + 24, PAGE_SIZE, sum);
      bytes.putInt(at + 16, sum[0]).putInt(at + 20, sum[1]);
    }
    return bytes.array();
  }

  private static void sum(ByteBuffer bytes, int from, int count, int[] sum) {
    for (int at = from; at < from + count; at += 8) {
      sum[0] += bytes.getInt(at) + sum[1];
      sum[1] += bytes.getInt(at + 4) + sum[0];
    }
  }

  @Test
  void transactionLargerThanTheBufferComesInBatches() throws SQLException, IOException {
    try (LiveDatabase database = database(PAGE_SIZE)) {
      WalPosition position = database.wal().header().orElseThrow().start();
      position = read(database.wal(), position, PAGE_SIZE, database.mxFrame()).position();
      database.insert(1000, 2 * PAGE_SIZE);
      long mxFrame = database.mxFrame();
      FrameReader frames = database.wal().frames(position, PAGE_SIZE, mxFrame, buffer);
      assertTrue(frames.next());
      assertEquals(buffer.capacity() / FRAME_BYTES, frames.count());
      assertEquals(position, frames.position());
      assertThrows(IllegalStateException.class, frames::end);
      Read rest = read(frames);
      assertEquals(mxFrame, rest.position().frame());
      assertFalse(frames.next());
    }
  }

  @Test
  void framesAreHandedOutAsTheyAreInTheFile() throws SQLException, IOException {
    byte[] wal = smallWal();
    Path file = folder.resolve("copy-wal");
    Files.write(file, wal);
    try (FileChannel channel = FileChannel.open(file, StandardOpenOption.READ)) {
      long frames = frameCount(wal);
      FrameReader reader =
          new WalReader(channel, "copy-wal").frames(start(wal), PAGE_SIZE, frames, buffer);
      assertTrue(reader.next());
      byte[] given = new byte[reader.frames().remaining()];
      reader.frames().get(given);
      assertArrayEquals(Arrays.copyOfRange(wal, WalHeader.BYTES, wal.length), given);
      for (int i = 0; i < reader.count(); i++) {
        assertEquals(
            ByteBuffer.wrap(wal).getInt((int) WalFrame.offset(i + 1, PAGE_SIZE)), reader.pgno(i));
      }
    }
  }
}
