package dev.sluice.cache.bulk;

import dev.sluice.ltx.LtxEnds;
import dev.sluice.ltx.LtxFormatException;
import dev.sluice.ltx.LtxHeader;
import dev.sluice.ltx.PageIndex;
import dev.sluice.storage.LtxFile;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.function.Consumer;

/**
 * The ends of a file that is too large to be requested as a whole: its header, and its last bytes
 * as far as the page index is guessed to reach, at once; then the rest of the index, if the guess
 * was too small. Confined to the reading thread, but for {@link #parse}.
 */
final class EndsFetch {
  private static final int TAIL_BYTES_MIN = 16 << 10;

  /** An entry has 8 to 10 bytes, and a frame is seldom shorter than 1280. */
  private static final int FILE_BYTES_PER_INDEX_BYTE = 128;

  private final Requests requests;
  private final LtxFile file;
  private final int tailBytes;
  private final Consumer<EndsFetch> then;
  private byte[] head = {};
  private byte[] tail = {};

  /**
   * @param tailBytesMax of the guess
   * @param then is given this when both are here
   */
  EndsFetch(Requests requests, LtxFile file, int tailBytesMax, Consumer<EndsFetch> then) {
    this.requests = requests;
    this.file = file;
    this.tailBytes = bytes(file, tailBytesMax) - LtxHeader.BYTES;
    this.then = then;
  }

  /** Returns how many bytes are asked for at once. */
  static int bytes(LtxFile file, int tailBytesMax) {
    long guess = file.size() / FILE_BYTES_PER_INDEX_BYTE + TAIL_BYTES_MIN;
    long tailBytes = Math.min(Math.min(tailBytesMax, file.size() - LtxHeader.BYTES), guess);
    return (int) (LtxHeader.BYTES + tailBytes);
  }

  int bytes() {
    return LtxHeader.BYTES + tailBytes;
  }

  void begin() {
    requests.begin(new Fetch(file, 0, LtxHeader.BYTES, new Quietly(this::takeHead)));
    requests.begin(
        new Fetch(file, file.size() - tailBytes, tailBytes, new Quietly(this::takeTail)));
  }

  private void takeHead(byte[] bytes) {
    head = bytes;
    if (tail.length > 0) {
      then.accept(this);
    }
  }

  private void takeTail(byte[] bytes) throws LtxFormatException {
    long needed =
        PageIndex.indexBytesFrom(ByteBuffer.wrap(bytes), file.size(), requests.nameOf(file));
    if (needed > Integer.MAX_VALUE - 16) {
      throw new LtxFormatException(
          requests.nameOf(file),
          file.size() - needed,
          "a page index of " + needed + " bytes is more than an array can hold");
    }
    if (needed <= bytes.length) {
      takeWholeTail(bytes);
      return;
    }
    int missing = (int) needed - bytes.length;
    Quietly joining =
        new Quietly(
            before -> {
              byte[] whole = Arrays.copyOf(before, (int) needed);
              System.arraycopy(bytes, 0, whole, missing, bytes.length);
              takeWholeTail(whole);
            });
    requests.begin(new Fetch(file, file.size() - needed, missing, joining));
  }

  private void takeWholeTail(byte[] whole) {
    tail = whole;
    if (head.length > 0) {
      then.accept(this);
    }
  }

  /** Returns what was fetched; any thread may call once it is here. */
  BulkFile parse() throws LtxFormatException {
    return parse(file, ByteBuffer.wrap(head), ByteBuffer.wrap(tail), requests.nameOf(file));
  }

  /**
   * Returns a file by its ends.
   *
   * @throws LtxFormatException if they break a rule, or are not those of a file of this name
   */
  static BulkFile parse(LtxFile file, ByteBuffer head, ByteBuffer tail, String name)
      throws LtxFormatException {
    LtxHeader header = LtxHeader.parse(head.duplicate(), name);
    if (!header.range().equals(file.name().range())) {
      throw new LtxFormatException(
          name, 16, "the header's TXIDs " + header.range() + " are not those of the name");
    }
    return new BulkFile(file, LtxEnds.parse(head, tail, file.size(), name));
  }

  /** What may be asked for twice, so that its bytes do not count as progress. */
  private record Quietly(Taking taking) implements Fetch.Receiver {

    interface Taking {
      void take(byte[] bytes) throws IOException;
    }

    @Override
    public void arrived(int count) {}

    @Override
    public void received(byte[] all) throws IOException {
      taking.take(all);
    }
  }
}
