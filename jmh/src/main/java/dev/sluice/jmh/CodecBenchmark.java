package dev.sluice.jmh;

import dev.sluice.ltx.Crc64;
import dev.sluice.ltx.FrameDecoder;
import dev.sluice.ltx.LtxEncoder;
import dev.sluice.ltx.LtxFormatException;
import dev.sluice.ltx.LtxHeader;
import dev.sluice.ltx.Txid;
import dev.sluice.ltx.TxidRange;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import java.util.zip.CRC32C;
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
 * What one page costs: its CRC-64 beside the JDK's CRC-32C, which has an instruction of its own,
 * and decoding its frame beside copying the page.
 */
@State(Scope.Benchmark)
@Fork(1)
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 5, time = 1)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
public class CodecBenchmark {

  @Param({"512", "4096", "65536"})
  public int pageSize;

  private byte[] page = {};
  private byte[] copy = {};
  private byte[] file = {};
  private int frameBytes;

  /** Half text, half noise. */
  @Setup
  public void encode() throws IOException {
    page = new byte[pageSize];
    copy = new byte[pageSize];
    byte[] word = "an ordinary row of text; ".getBytes(StandardCharsets.US_ASCII);
    for (int i = 0; i < pageSize / 2; i++) {
      page[i] = word[i % word.length];
    }
    byte[] noise = new byte[pageSize / 2];
    new Random(1).nextBytes(noise);
    System.arraycopy(noise, 0, page, pageSize / 2, noise.length);
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    TxidRange range = new TxidRange(Txid.FIRST, Txid.FIRST);
    try (LtxEncoder encoder = new LtxEncoder(out, LtxHeader.of(pageSize, 1, range, 1))) {
      encoder.page(1, page);
      encoder.finish();
      frameBytes = encoder.index().frameBytes(0);
    }
    file = out.toByteArray();
  }

  @Benchmark
  public long crc64() {
    return Crc64.of(page);
  }

  @Benchmark
  public long crc32cOfTheJdk() {
    CRC32C crc = new CRC32C();
    crc.update(page);
    return crc.getValue();
  }

  @Benchmark
  public byte[] decodeFrame() throws LtxFormatException {
    FrameDecoder.decode(
        file, LtxHeader.BYTES, frameBytes, 1, pageSize, copy, 0, "bench", LtxHeader.BYTES);
    return copy;
  }

  @Benchmark
  public byte[] copyPage() {
    System.arraycopy(page, 0, copy, 0, pageSize);
    return copy;
  }
}
