package dev.sluice.cache;

import dev.sluice.ltx.FrameDecoder;
import dev.sluice.ltx.LtxFormatException;
import dev.sluice.ltx.LtxHeader;
import dev.sluice.ltx.PageIndex;
import dev.sluice.storage.Deadline;
import dev.sluice.storage.LtxFile;
import dev.sluice.storage.ReplicaException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;

/**
 * Reads headers and page indexes of files, in one round of requests: of every file its head and its
 * tail at once, or all of a small one. What came along can be kept.
 *
 * <p>The head of every file is fetched: its commit is needed for the shrink rule, and it proves the
 * page size. A second round is needed where a tail turned out too short for its index. What was
 * read before comes from the cache.
 *
 * <p>Made for a group of files with one deadline; confined to one thread at a time.
 */
final class FileLoader {
  private static final int WHOLE_BYTES_MAX = 64 << 10;
  private static final int HEAD_BYTES = 16 << 10;
  private static final int SNAPSHOT_HEAD_BYTES = 64 << 10;
  private static final int TAIL_BYTES_MIN = 16 << 10;
  private static final int TAIL_BYTES_MAX = 1 << 20;
  private static final int FILE_BYTES_PER_INDEX_BYTE = 64;
  private static final int IN_FLIGHT_MAX = 64;
  private static final long KEPT_BYTES_MAX = 32 << 20;
  private static final int CACHE_SHARE = 4;
  private static final int READS_MAX = 3;

  /** With the header before it. */
  private static final int ARRAY_BYTES_MAX = Integer.MAX_VALUE - 16 - LtxHeader.BYTES;

  /** Header, end mark, an empty index with its length, trailer. */
  private static final int FILE_BYTES_MIN = LtxHeader.BYTES + 6 + 1 + 8 + 16;

  private final Source source;
  private final Deadline deadline;
  private long keptBytes;
  private Optional<LtxFile> absent = Optional.empty();

  /** What came of a file, beside its summary: bytes that may hold frames. */
  @SuppressWarnings("ArrayRecordComponent") // compared by nobody
  record Piece(long offset, byte[] bytes) {}

  /**
   * A file whose index was read.
   *
   * @param number in the replica's {@link FileTable}
   */
  record Loaded(LtxFile file, int number, FileSummary summary, List<Piece> pieces) {

    /** Returns the file as a change of a page map. */
    PageMap.Change change() {
      LtxHeader header = summary.header();
      return new PageMap.Change(number, header.range().max(), summary.index(), header.commit());
    }
  }

  /** The requests for one file; a file that is known or small has no tail. */
  private record Requested(
      LtxFile file,
      int number,
      Optional<byte[]> known,
      CompletableFuture<byte[]> head,
      Optional<CompletableFuture<byte[]>> tail) {

    void cancel() {
      head.cancel(true);
      tail.ifPresent(request -> request.cancel(true));
    }
  }

  /** Takes a source whose client tries again until the deadline. */
  FileLoader(Source source, Deadline deadline) {
    this.source = source;
    this.deadline = deadline;
  }

  /**
   * Returns what the files hold, in their order.
   *
   * @throws MalformedFileException if a file breaks a rule of the format
   * @throws ReplicaException if a file cannot be read; {@code NotFound} and {@code Conflict} mean
   *     that the listing is out of date
   */
  List<Loaded> load(List<LtxFile> plan) throws IOException {
    // Newest first: what there is room to keep is then most likely current.
    source.meter().beginRound();
    ArrayDeque<Requested> requested = new ArrayDeque<>();
    List<Loaded> loaded = new ArrayList<>();
    try {
      for (int i = plan.size() - 1; i >= 0; i--) {
        if (requested.size() == IN_FLIGHT_MAX) {
          loaded.add(0, await(requested.element()));
          requested.remove();
        }
        requested.add(request(plan.get(i)));
      }
      while (!requested.isEmpty()) {
        loaded.add(0, await(requested.element()));
        requested.remove();
      }
      return loaded;
    } finally {
      requested.forEach(Requested::cancel);
    }
  }

  /** What is malformed is read again: perhaps it was damaged on its way only. */
  private Loaded await(Requested requested) throws IOException {
    Requested current = requested;
    for (int reads = 1; ; reads++) {
      try {
        return parse(current);
      } catch (MalformedFileException e) {
        if (reads == READS_MAX) {
          throw e;
        }
        current.cancel();
        source.meter().beginRound();
        current = request(current.file());
      }
    }
  }

  private Requested request(LtxFile file) throws IOException {
    if (file.size() < FILE_BYTES_MIN) {
      throw new MalformedFileException(
          file,
          new LtxFormatException(
              nameOf(file), file.size(), "the file ends too early: " + file.size() + " bytes"));
    }
    if (file.size() > PageMap.OFFSET_MAX) {
      throw new MalformedFileException(
          file, new LtxFormatException(nameOf(file), -1, "the file is larger than 1 TiB"));
    }
    int number = source.files().numberOf(file);
    Optional<byte[]> known = source.cache().find(FrameCache.summaryKey(number));
    if (known.isPresent()) {
      return new Requested(
          file, number, known, CompletableFuture.completedFuture(known.get()), Optional.empty());
    }
    int headBytes = file.name().range().isSnapshot() ? SNAPSHOT_HEAD_BYTES : HEAD_BYTES;
    int tailBytes =
        (int) Math.min(TAIL_BYTES_MAX, file.size() / FILE_BYTES_PER_INDEX_BYTE + TAIL_BYTES_MIN);
    boolean isSmall = file.size() <= Math.max(WHOLE_BYTES_MAX, headBytes + tailBytes);
    if (isSmall) {
      return new Requested(
          file, number, known, source.client().read(file, 0, (int) file.size()), Optional.empty());
    }
    CompletableFuture<byte[]> head = source.client().read(file, 0, headBytes);
    CompletableFuture<byte[]> tail = source.client().read(file, file.size() - tailBytes, tailBytes);
    return new Requested(file, number, known, head, Optional.of(tail));
  }

  private Loaded parse(Requested requested) throws IOException {
    LtxFile file = requested.file();
    String name = nameOf(file);
    byte[] head = await(requested.head(), file);
    try {
      if (requested.known().isPresent()) {
        FileSummary known = FileSummary.ofBytes(head, file, name);
        source.fingerprints().note(file, known.fingerprint());
        return new Loaded(file, requested.number(), known, List.of());
      }
      FileSummary summary;
      List<Piece> pieces = new ArrayList<>();
      keep(pieces, 0, head);
      if (requested.tail().isEmpty()) {
        summary = FileSummary.ofWhole(head, file, name);
        source.fingerprints().noteProven(file, summary.fingerprint());
      } else {
        byte[] tail = await(requested.tail().get(), file);
        summary = FileSummary.ofEnds(head, indexBefore(tail, file, name), tail, file, name);
        keep(pieces, file.size() - tail.length, tail);
      }
      source.cache().put(FrameCache.summaryKey(requested.number()), summary.bytes());
      source.fingerprints().note(file, summary.fingerprint());
      return new Loaded(file, requested.number(), summary, pieces);
    } catch (LtxFormatException e) {
      throw new MalformedFileException(file, e);
    }
  }

  private void keep(List<Piece> pieces, long offset, byte[] bytes) {
    if (keptBytes + bytes.length
        <= Math.min(KEPT_BYTES_MAX, source.cache().maximumBytes() / CACHE_SHARE)) {
      keptBytes += bytes.length;
      pieces.add(new Piece(offset, bytes));
    }
  }

  /**
   * Returns what of the index stands before a tail, by one more read if the guess was too small.
   */
  private byte[] indexBefore(byte[] tail, LtxFile file, String name) throws IOException {
    long needed = PageIndex.indexBytesFrom(ByteBuffer.wrap(tail), file.size(), name);
    if (needed <= tail.length) {
      return new byte[0];
    }
    if (needed > ARRAY_BYTES_MAX) {
      throw new LtxFormatException(
          name, -1, "a page index of " + needed + " bytes is more than an array can hold");
    }
    source.meter().beginRound();
    int missing = (int) needed - tail.length;
    return await(source.client().read(file, file.size() - needed, missing), file);
  }

  private byte[] await(CompletableFuture<byte[]> request, LtxFile file) throws IOException {
    try {
      return Waits.await(request, deadline, "open " + nameOf(file));
    } catch (ReplicaException.NotFound | ReplicaException.Conflict e) {
      absent = Optional.of(file);
      throw e;
    }
  }

  /** Returns the file because of which the last call failed as it was not there, or another. */
  Optional<LtxFile> absent() {
    return absent;
  }

  /** Returns the number of a file in the replica's {@link FileTable}. */
  int numberOf(LtxFile file) {
    return source.files().numberOf(file);
  }

  /** Puts the pages that came along and are current in {@code pages} into the cache. */
  void keepPages(List<Loaded> loaded, PageMap pages, int pageSize) throws MalformedFileException {
    long room = source.cache().maximumBytes() / CACHE_SHARE;
    for (int i = loaded.size() - 1; i >= 0; i--) {
      Loaded one = loaded.get(i);
      for (Piece piece : one.pieces()) {
        room = keepPages(one, piece, pages, pageSize, room);
      }
    }
  }

  private long keepPages(Loaded loaded, Piece piece, PageMap pages, int pageSize, long room)
      throws MalformedFileException {
    PageIndex index = loaded.summary().index();
    long left = room;
    for (int i = 0; i < index.count() && left >= pageSize; i++) {
      boolean isInside =
          index.offset(i) >= piece.offset()
              && index.offset(i) + index.frameBytes(i) <= piece.offset() + piece.bytes().length;
      long pgno = index.pgno(i);
      if (isInside && pages.contains(pgno) && pages.fileNumber(pgno) == loaded.number()) {
        byte[] page = decode(loaded, piece, i, pageSize);
        source.cache().put(FrameCache.frameKey(loaded.number(), index.offset(i)), page);
        left -= pageSize + FrameCache.ENTRY_OVERHEAD_BYTES;
      }
    }
    return left;
  }

  private byte[] decode(Loaded loaded, Piece piece, int i, int pageSize)
      throws MalformedFileException {
    PageIndex index = loaded.summary().index();
    byte[] page = new byte[pageSize];
    int at = (int) (index.offset(i) - piece.offset());
    try {
      FrameDecoder.decode(
          piece.bytes(),
          at,
          index.frameBytes(i),
          index.pgno(i),
          pageSize,
          page,
          0,
          nameOf(loaded.file()),
          index.offset(i));
      return page;
    } catch (LtxFormatException e) {
      throw new MalformedFileException(loaded.file(), e);
    }
  }

  /** Returns page 1 of a map, from the cache or by one more request. */
  byte[] pageOne(List<Loaded> loaded, PageMap pages, int pageSize) throws IOException {
    if (!pages.contains(1)) {
      LtxFile newest = loaded.get(loaded.size() - 1).file();
      throw new ViewException.PageMissing(
          "open "
              + source.location()
              + ": no file holds page 1 of TXID "
              + newest.name().range().max());
    }
    int number = pages.fileNumber(1);
    long offset = pages.offset(1);
    FrameCache.Key key = FrameCache.frameKey(number, offset);
    Optional<byte[]> cached = source.cache().find(key);
    if (cached.isPresent()) {
      return cached.get();
    }
    Loaded holder = loaded.stream().filter(one -> one.number() == number).findFirst().orElseThrow();
    byte[] page = readFrame(holder, offset, pages.frameBytes(1), pageSize);
    source.cache().put(key, page);
    return page;
  }

  private byte[] readFrame(Loaded holder, long offset, int frameBytes, int pageSize)
      throws IOException {
    for (int reads = 1; ; reads++) {
      source.meter().beginRound();
      byte[] frame = await(source.client().read(holder.file(), offset, frameBytes), holder.file());
      try {
        return decode(holder, new Piece(offset, frame), 0, pageSize);
      } catch (MalformedFileException e) {
        if (reads == READS_MAX) {
          throw e;
        }
      }
    }
  }

  private String nameOf(LtxFile file) {
    return source.location(file);
  }
}
