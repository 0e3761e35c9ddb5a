package dev.sluice.cache.restore;

import dev.sluice.cache.KnownFile;
import dev.sluice.cache.ViewException;
import dev.sluice.ltx.LockPage;
import dev.sluice.ltx.LtxDecoder;
import dev.sluice.ltx.LtxFormatException;
import dev.sluice.ltx.LtxHeader;
import dev.sluice.storage.LtxFile;
import java.io.BufferedInputStream;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.Closeable;
import java.io.FilterInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.channels.Channels;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.UUID;

/**
 * LTX files that follow on a copy, fetched and verified as wholes: small ones in memory, large ones
 * beside the copy, without a name, so that nothing is left of them if the process is killed.
 * Confined to one thread at a time.
 */
final class FetchedFiles implements CopyChange, Closeable {
  private static final long IN_MEMORY_BYTES_MAX = 1 << 20;
  private static final long BYTES_MAX = 32L << 20;
  private static final int FILES_MAX = 256;
  private static final String SUFFIX = ".following";

  private final Path copy;
  private final List<Fetched> files = new ArrayList<>();
  private final List<FileChannel> temporary = new ArrayList<>();
  private final PageSet pages = new PageSet();

  /** The smallest size that the database has had among these files. */
  private long floor = Long.MAX_VALUE;

  private long bytes;

  /** A file, and how to read it again. */
  private record Fetched(KnownFile known, String name, LtxHeader header, Content content) {}

  @FunctionalInterface
  private interface Content {
    InputStream open() throws IOException;
  }

  FetchedFiles(Path copy) {
    this.copy = copy;
  }

  /** Returns whether a file goes into the same transaction; the first one always does. */
  boolean hasRoom(LtxFile next) {
    return files.isEmpty() || (files.size() < FILES_MAX && bytes + next.size() <= BYTES_MAX);
  }

  /**
   * Fetches a file.
   *
   * @return false if it does not belong here: its pages have another size
   * @throws LtxFormatException if it is malformed
   */
  boolean add(LtxFile file, Transfers transfers) throws IOException {
    String name = transfers.nameOf(file);
    bytes += file.size();
    if (file.size() > IN_MEMORY_BYTES_MAX) {
      FileChannel kept = newTemporary();
      return verify(
          file,
          name,
          transfers,
          Channels.newOutputStream(kept),
          () -> new BufferedInputStream(new Rewound(kept)));
    }
    ByteArrayOutputStream out = new ByteArrayOutputStream((int) file.size());
    return verify(file, name, transfers, out, () -> new ByteArrayInputStream(out.toByteArray()));
  }

  /** Where the system can, it has no name any more when this returns. */
  private FileChannel newTemporary() throws IOException {
    Path path = copy.resolveSibling("." + copy.getFileName() + "." + UUID.randomUUID() + SUFFIX);
    FileChannel kept =
        FileChannel.open(
            path,
            StandardOpenOption.CREATE_NEW,
            StandardOpenOption.READ,
            StandardOpenOption.WRITE,
            StandardOpenOption.DELETE_ON_CLOSE);
    temporary.add(kept);
    return kept;
  }

  private boolean verify(
      LtxFile file, String name, Transfers transfers, OutputStream out, Content content)
      throws IOException {
    PageSet own = new PageSet();
    try (InputStream in = new Copying(transfers.open(file, count -> {}), out);
        LtxDecoder decoder = new LtxDecoder(in, name)) {
      LtxHeader header = decoder.header();
      if (!header.range().equals(file.name().range())) {
        throw new LtxFormatException(
            name, 16, "the header's TXIDs " + header.range() + " are not those of the name");
      }
      if (!files.isEmpty() && header.pageSize() != pageSize()) {
        return false;
      }
      while (decoder.next()) {
        own.add(decoder.pgno());
      }
      long checksum = decoder.finish().fileChecksum();
      for (long pgno = own.firstPresent(1);
          pgno <= header.commit();
          pgno = own.firstPresent(pgno + 1)) {
        pages.add(pgno);
      }
      pages.cut(header.commit());
      floor = Math.min(floor, header.commit());
      files.add(
          new Fetched(
              KnownFile.read(file, header.timestampMillis(), checksum), name, header, content));
      return true;
    }
  }

  boolean isEmpty() {
    return files.isEmpty();
  }

  LtxHeader newest() {
    return files.get(files.size() - 1).header();
  }

  List<KnownFile> known() {
    return files.stream().map(Fetched::known).toList();
  }

  /** Returns whether these files go on where another ends: the same WAL, without a gap. */
  boolean isOnePastWith(LtxHeader end) {
    LtxHeader before = end;
    for (Fetched file : files) {
      LtxHeader next = file.header();
      boolean isOneWal =
          next.walSize() > 0
              && next.walSalt1() == before.walSalt1()
              && next.walSalt2() == before.walSalt2()
              && next.walOffset() == before.walOffset() + before.walSize();
      if (!isOneWal) {
        return false;
      }
      before = next;
    }
    return true;
  }

  @Override
  public int pageSize() {
    return files.get(0).header().pageSize();
  }

  @Override
  public long commit() {
    return newest().commit();
  }

  @Override
  public PageSet pages(CopyTransaction before, long commit) throws IOException {
    long kept = Math.min(floor, commit);
    long absent = pages.firstAbsent(kept + 1);
    if (absent == LockPage.pgno(pageSize())) {
      absent = pages.firstAbsent(absent + 1);
    }
    if (absent <= commit()) {
      throw new ViewException.PageMissing(
          "follow: the database grows at TXID "
              + newest().range().max()
              + ", and no file holds page "
              + absent);
    }
    return pages;
  }

  @Override
  public Optional<byte[]> pageOne() throws IOException {
    Optional<byte[]> newest = Optional.empty();
    for (Fetched file : files) {
      try (LtxDecoder decoder = new LtxDecoder(file.content().open(), file.name())) {
        if (decoder.next() && decoder.pgno() == 1) {
          newest = Optional.of(decoder.page().clone());
        }
      }
    }
    return newest;
  }

  @Override
  public void writeTo(Pages to) throws IOException {
    for (Fetched file : files) {
      try (LtxDecoder decoder = new LtxDecoder(file.content().open(), file.name())) {
        while (decoder.next()) {
          if (decoder.pgno() > 1) {
            to.write(decoder.pgno(), decoder.page());
          }
        }
      }
    }
  }

  @Override
  public void close() throws IOException {
    for (FileChannel kept : temporary) {
      kept.close();
    }
  }

  /** A temporary file from its beginning; stays open. */
  private static final class Rewound extends FilterInputStream {

    Rewound(FileChannel kept) throws IOException {
      super(Channels.newInputStream(kept.position(0)));
    }

    @Override
    public void close() {}
  }

  /** Copies what is read. */
  private static final class Copying extends FilterInputStream {
    private final OutputStream out;

    Copying(InputStream in, OutputStream out) {
      super(in);
      this.out = out;
    }

    @Override
    public int read() throws IOException {
      byte[] one = new byte[1];
      return read(one, 0, 1) < 0 ? -1 : one[0] & 0xff;
    }

    @Override
    public int read(byte[] dst, int offset, int length) throws IOException {
      int count = super.read(dst, offset, length);
      if (count > 0) {
        out.write(dst, offset, count);
      }
      return count;
    }
  }
}
