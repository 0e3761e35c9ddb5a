package dev.sluice.bench;

import dev.sluice.ltx.Compaction;
import dev.sluice.ltx.CompactionInput;
import dev.sluice.ltx.LtxCompactor;
import dev.sluice.ltx.Txid;
import dev.sluice.replicator.capture.CaptureBuffers;
import dev.sluice.replicator.capture.CaptureSettings;
import dev.sluice.replicator.capture.DatabaseCapture;
import dev.sluice.replicator.spool.Cut;
import dev.sluice.replicator.spool.CutRecord;
import dev.sluice.replicator.spool.Spool;
import dev.sluice.replicator.spool.SpoolSetup;
import dev.sluice.replicator.spool.SpooledFile;
import java.io.FileInputStream;
import java.io.FileOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.lang.management.ManagementFactory;
import java.lang.management.MemoryPoolMXBean;
import java.lang.management.MemoryType;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.PreparedStatement;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Random;
import java.util.stream.Stream;

/**
 * How fast a WAL is captured and cut, and the cuts are compacted, in one thread: from disk to disk,
 * on pages that LZ4 halves, as ordinary rows do. See {@code jmh/bench/compact} for its argument.
 */
final class CompactBench {
  private static final int PAGE_BYTES = 4096;
  private static final int ROW_BYTES = 3500;
  private static final int CUTS = 8;
  private static final int COMPACTIONS = 3;

  private final Random random = new Random(1);
  private final Path folder;
  private final Path database;
  private final int rows;

  private CompactBench(Path folder, int megabytes) {
    this.folder = folder;
    this.database = folder.resolve("app.db");
    this.rows = megabytes * 1_000_000 / PAGE_BYTES / 2;
  }

  public static void main(String[] arguments) throws Exception {
    int megabytes = Integer.parseInt(arguments[0]);
    Path folder = Files.createTempDirectory("sluice-bench");
    try {
      new CompactBench(folder, megabytes).run();
    } finally {
      delete(folder);
    }
    System.out.println("heap: %d MB at most".formatted(heapBytesMax() / 1_000_000));
  }

  private static void delete(Path folder) throws IOException {
    try (Stream<Path> files = Files.walk(folder)) {
      for (Path file : files.sorted(Comparator.reverseOrder()).toList()) {
        Files.delete(file);
      }
    }
  }

  /** The pools' own peaks, which need not be of one moment: never too small. */
  private static long heapBytesMax() {
    return ManagementFactory.getMemoryPoolMXBeans().stream()
        .filter(pool -> pool.getType() == MemoryType.HEAP)
        .map(MemoryPoolMXBean::getPeakUsage)
        .mapToLong(usage -> usage.getUsed())
        .sum();
  }

  private void run() throws IOException, SQLException {
    try (Connection application = DriverManager.getConnection("jdbc:sqlite:" + database);
        Statement statement = application.createStatement();
        Spool spool =
            Spool.begin(
                folder.resolve("spool"), Txid.NONE, 0, SpoolSetup.of(InstantSource.system()));
        DatabaseCapture capture =
            DatabaseCapture.begin(withoutCheckpoints(), spool, new CaptureBuffers(1))) {
      statement.execute("PRAGMA page_size=" + PAGE_BYTES);
      statement.execute("PRAGMA journal_mode=WAL");
      statement.execute("PRAGMA wal_autocheckpoint=0");
      statement.execute("CREATE TABLE t(id INTEGER PRIMARY KEY, a TEXT)");
      write(application, "INSERT OR REPLACE INTO t(a, id) VALUES(?, ?)", 1);
      while (!capture.isHeld()) {
        capture(capture);
      }
      captureAndCut(application, spool, capture);
      compact(spool.files());
    }
  }

  /** The WAL is read, and nothing is moved into the database meanwhile. */
  private CaptureSettings withoutCheckpoints() {
    return CaptureSettings.of(database)
        .withCheckpointPages(Integer.MAX_VALUE)
        .withTrimAfter(Duration.ofMinutes(10));
  }

  /** Writes one row out of {@code step}. */
  private void write(Connection application, String sql, int step) throws SQLException {
    application.setAutoCommit(false);
    try (PreparedStatement statement = application.prepareStatement(sql)) {
      for (int row = 1; row + step <= rows + 1; row += step) {
        statement.setString(1, text());
        statement.setInt(2, row + random.nextInt(step));
        statement.executeUpdate();
      }
    }
    application.commit();
    application.setAutoCommit(true);
  }

  private String text() {
    StringBuilder text = new StringBuilder(ROW_BYTES + 16);
    while (text.length() < ROW_BYTES) {
      text.append(Integer.toHexString(random.nextInt(1 << 16))).append(" sluice ");
    }
    text.setLength(ROW_BYTES);
    return text.toString();
  }

  private static void capture(DatabaseCapture capture) throws IOException {
    long frames = capture.capture();
    if (frames < 0) {
      throw new IOException("captured " + frames);
    }
  }

  private void captureAndCut(Connection application, Spool spool, DatabaseCapture capture)
      throws IOException, SQLException {
    long captureNanos = 0;
    long cutNanos = 0;
    long frames = 0;
    for (int i = 0; i < CUTS; i++) {
      // Each but the first, by which the code is warm.
      write(application, "UPDATE t SET a=? WHERE id=?", 4);
      long begun = System.nanoTime();
      long taken = 0;
      for (long more = capture.capture(); more > 0; more = capture.capture()) {
        taken += more;
      }
      long captured = System.nanoTime();
      Cut cut = spool.seal().orElseThrow();
      CutRecord written = cut.write();
      if (written.txid().value() != i + 2) {
        throw new IOException("cut " + i + " is " + written);
      }
      if (i > 0) {
        captureNanos += captured - begun;
        cutNanos += System.nanoTime() - captured;
        frames += taken;
      }
    }
    double megabytes = frames * (PAGE_BYTES + 24) / 1e6;
    System.out.println(
        "capture: %.0f MB of WAL, %.0f MB/s; its cuts, compressed and on disk: %.0f MB/s"
            .formatted(megabytes, megabytes * 1e9 / captureNanos, megabytes * 1e9 / cutNanos));
  }

  private void compact(List<SpooledFile> files) throws IOException {
    Path output = folder.resolve("output.ltx");
    List<String> speeds = new ArrayList<>();
    double megabytes = 0;
    for (int i = 0; i < COMPACTIONS; i++) {
      List<CompactionInput> inputs = new ArrayList<>();
      for (SpooledFile file : files) {
        inputs.add(
            new CompactionInput(
                file.path().toString(), () -> new FileInputStream(file.path().toFile())));
      }
      long begun = System.nanoTime();
      try (OutputStream out = new FileOutputStream(output.toFile());
          LtxCompactor compactor = new LtxCompactor(inputs)) {
        Compaction made = compactor.writeTo(out);
        megabytes = made.inputPageCount() * PAGE_BYTES / 1e6;
      }
      speeds.add("%.0f".formatted(megabytes * 1e9 / (System.nanoTime() - begun)));
    }
    System.out.println(
        "compaction: %d files with %.0f MB of pages, %s MB/s"
            .formatted(files.size(), megabytes, String.join(", ", speeds)));
  }
}
