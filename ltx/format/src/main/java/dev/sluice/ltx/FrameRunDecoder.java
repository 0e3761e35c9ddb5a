package dev.sluice.ltx;

/**
 * Decodes frames that follow each other in a file, and takes their sum, by which {@link LtxEnds}
 * proves the file. Confined to one thread at a time.
 */
public final class FrameRunDecoder {
  private final Crc64 pageCrc = new Crc64();
  private final Crc64 runCrc = new Crc64();

  /**
   * Some entries of a file's page index.
   *
   * @param first the first entry
   * @param count how many follow each other from there on
   */
  public record Run(LtxEnds file, int first, int count) {}

  /**
   * Decodes the frames of a run into pages that follow each other. Nothing is proved before the
   * whole file is.
   *
   * @param src the bytes of the file with all these frames, the first one's from {@code srcOffset}
   *     on
   * @param dst where the pages go, from 0 on
   * @param pageCrcs where CRC-64/ISO of each page goes, from 0 on
   * @throws LtxFormatException if a frame breaks a rule or is not as the index says
   */
  public FrameSum decode(Run run, byte[] src, int srcOffset, byte[] dst, long[] pageCrcs)
      throws LtxFormatException {
    LtxEnds file = run.file();
    PageIndex index = file.index();
    int pageSize = file.header().pageSize();
    long origin = index.offset(run.first()) - srcOffset;
    long bytes = 0;
    long databaseChecksum = 0;
    runCrc.reset();
    for (int i = 0; i < run.count(); i++) {
      int entry = run.first() + i;
      int at = (int) (index.offset(entry) - origin);
      long pgno = index.pgno(entry);
      FrameDecoder.decode(
          src,
          at,
          index.frameBytes(entry),
          pgno,
          pageSize,
          dst,
          i * pageSize,
          file.name(),
          index.offset(entry));
      pageCrc.reset();
      pageCrc.update(dst, i * pageSize, pageSize);
      pageCrcs[i] = pageCrc.value();
      int headerBytes = PageFrame.headerBytes(src, at);
      runCrc.update(src, at, headerBytes);
      runCrc.append(pageCrcs[i], pageSize);
      bytes += headerBytes + pageSize;
      if (file.hasProvableDatabase()) {
        databaseChecksum ^= Checksums.page(pgno, pageCrcs[i], pageSize) & ~Checksums.FLAG;
      }
    }
    return new FrameSum(run.count(), runCrc.value(), bytes, databaseChecksum);
  }
}
