package dev.sluice.jmh;

import dev.sluice.ltx.Compaction;
import dev.sluice.ltx.CompactionInput;
import dev.sluice.ltx.LtxCompactor;
import dev.sluice.ltx.LtxDecoder;
import dev.sluice.ltx.LtxEncoder;
import dev.sluice.ltx.LtxHeader;
import dev.sluice.ltx.LtxTrailer;
import dev.sluice.ltx.Txid;
import dev.sluice.ltx.TxidRange;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.AuxCounters;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.Warmup;

/**
 * Compacts one file of 64 MB of pages and seven of 4 MB in memory, beside the plain way: decode
 * all, encode the newest version of each page anew. {@code megabytes} is 2^20 bytes of input pages.
 */
@State(Scope.Benchmark)
@Fork(1)
@Warmup(iterations = 3, time = 2)
@Measurement(iterations = 5, time = 2)
@BenchmarkMode(Mode.Throughput)
@OutputTimeUnit(TimeUnit.SECONDS)
public class CompactionBenchmark {
  private static final int LARGE_BYTES = 64 << 20;
  private static final int SMALL_BYTES = 4 << 20;
  private static final int SMALL_COUNT = 7;

  @Param({"512", "4096", "65536"})
  public int pageSize;

  private final List<byte[]> files = new ArrayList<>();

  /** The pages that a run has read. */
  @State(Scope.Thread)
  @AuxCounters(AuxCounters.Type.OPERATIONS)
  public static class Read {
    public double megabytes;
  }

  @Setup
  public void encode() throws IOException {
    long commit = LARGE_BYTES / pageSize;
    files.add(file(1, commit, 1));
    for (int i = 0; i < SMALL_COUNT; i++) {
      files.add(file(i + 2, commit, LARGE_BYTES / SMALL_BYTES));
    }
  }

  /** Returns a file of one page out of {@code step}, at random but for the first file. */
  private byte[] file(long txid, long commit, int step) throws IOException {
    Random random = new Random(txid);
    TxidRange range = new TxidRange(new Txid(txid), new Txid(txid));
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    try (LtxEncoder encoder = new LtxEncoder(out, LtxHeader.of(pageSize, commit, range, txid))) {
      for (long pgno = 1; pgno <= commit; pgno += step) {
        encoder.page(step == 1 ? pgno : pgno + random.nextInt(step), text(random));
      }
      encoder.finish();
    }
    return out.toByteArray();
  }

  /** Returns a page of text that LZ4 halves, as ordinary rows do. */
  private byte[] text(Random random) {
    StringBuilder text = new StringBuilder(pageSize);
    while (text.length() < pageSize) {
      text.append(Integer.toHexString(random.nextInt(1 << 16))).append(" sluice ");
    }
    return text.substring(0, pageSize).getBytes(StandardCharsets.US_ASCII);
  }

  @Benchmark
  public Compaction compact(Read read) throws IOException {
    List<CompactionInput> inputs = new ArrayList<>();
    for (byte[] file : files) {
      inputs.add(
          new CompactionInput("input " + inputs.size(), () -> new ByteArrayInputStream(file)));
    }
    try (LtxCompactor compactor = new LtxCompactor(inputs)) {
      Compaction summary = compactor.writeTo(OutputStream.nullOutputStream());
      read.megabytes += summary.inputPageCount() * pageSize / 1048576.0;
      return summary;
    }
  }

  @Benchmark
  public LtxTrailer decodeAndEncode(Read read) throws IOException {
    List<LtxDecoder> newestFirst = new ArrayList<>();
    for (byte[] file : files) {
      LtxDecoder decoder = new LtxDecoder(new ByteArrayInputStream(file), "input");
      newestFirst.add(0, decoder);
      decoder.next();
    }
    LtxHeader last = newestFirst.get(0).header();
    LtxHeader header =
        LtxHeader.of(
            pageSize,
            last.commit(),
            new TxidRange(Txid.FIRST, last.range().max()),
            last.timestampMillis());
    try (LtxEncoder encoder = new LtxEncoder(OutputStream.nullOutputStream(), header)) {
      for (long pgno = 1; pgno <= header.commit(); pgno++) {
        boolean isWritten = false;
        for (int i = 0; i < newestFirst.size(); i++) {
          LtxDecoder decoder = newestFirst.get(i);
          if (decoder.pgno() == pgno) {
            if (!isWritten) {
              encoder.page(pgno, decoder.page());
            }
            isWritten = true;
            read.megabytes += pageSize / 1048576.0;
            decoder.next();
          }
        }
      }
      for (LtxDecoder decoder : newestFirst) {
        decoder.finish();
      }
      return encoder.finish();
    }
  }
}
