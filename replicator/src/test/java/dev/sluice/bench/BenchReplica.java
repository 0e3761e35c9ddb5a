package dev.sluice.bench;

import dev.sluice.ltx.LtxEncoder;
import dev.sluice.ltx.LtxHeader;
import dev.sluice.ltx.Txid;
import dev.sluice.ltx.TxidRange;
import dev.sluice.storage.Listings;
import dev.sluice.storage.LtxFile;
import dev.sluice.storage.LtxFileName;
import dev.sluice.storage.ReplicaClient;
import dev.sluice.storage.ReplicaClients;
import dev.sluice.storage.ReplicaUrl;
import dev.sluice.testkit.S3Server;
import java.io.BufferedOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.io.RandomAccessFile;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.PreparedStatement;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;

/**
 * A database file and a replica of it in a local S3-compatible server: a snapshot of rows that LZ4
 * halves, and twelve files after it with a hundredth of the pages each. From a fixed seed. Confined
 * to one thread at a time.
 */
final class BenchReplica {
  /** The variables by which the server is used. */
  static final Map<String, String> KEYS =
      Map.of(
          "AWS_ACCESS_KEY_ID", S3Server.ACCESS_KEY_ID,
          "AWS_SECRET_ACCESS_KEY", S3Server.SECRET_ACCESS_KEY);

  private static final int PAGE_BYTES = 4096;
  private static final int ROW_BYTES = 3500;
  private static final int UPDATES = 12;

  /** Of these the first are on level 1. */
  private static final int LEVEL_1_FILES = 4;

  private final S3Server server = S3Server.shared();
  private final String bucket = server.createBucket();
  private final Random random = new Random(1);
  private final Path folder;
  private final Path database;

  private BenchReplica(Path folder) {
    this.folder = folder;
    this.database = folder.resolve("app.db");
  }

  /** Makes a database of about {@code megabytes} MB below {@code folder} and its replica. */
  static BenchReplica make(Path folder, int megabytes) throws Exception {
    BenchReplica replica = new BenchReplica(folder);
    replica.fill((int) (megabytes * 1_000_000L / PAGE_BYTES));
    return replica;
  }

  Path database() {
    return database;
  }

  String url() {
    return "s3://"
        + bucket
        + "/db?endpoint="
        + server.endpoint()
        + "&region=us-east-1&force-path-style=true";
  }

  String bucket() {
    return bucket;
  }

  URI endpoint() {
    return server.endpoint();
  }

  private ReplicaClient open() {
    return open(url());
  }

  static ReplicaClient open(String url) {
    return ReplicaClients.open(ReplicaUrl.parse(url), name -> Optional.ofNullable(KEYS.get(name)));
  }

  List<LtxFile> files() throws Exception {
    try (ReplicaClient client = open()) {
      return Listings.all(client).get();
    }
  }

  /** Fetches all files by {@code curl}, one after the other; returns how long it took. */
  double curlSeconds(List<LtxFile> files) throws IOException, InterruptedException {
    List<String> command = new ArrayList<>(List.of("curl", "-s", "-f"));
    for (LtxFile file : files) {
      String path =
          "/%s/db/%04x/%s.ltx".formatted(bucket, file.name().level(), file.name().range());
      URI url = server.anonymousEndpoint().resolve(path);
      command.addAll(List.of("-o", "/dev/null", url.toString()));
    }
    long begun = System.nanoTime();
    int code = new ProcessBuilder(command).inheritIO().start().waitFor();
    if (code != 0) {
      throw new IOException("curl failed: " + code);
    }
    return (System.nanoTime() - begun) / 1e9;
  }

  private void fill(int rows) throws Exception {
    try (Connection connection = DriverManager.getConnection("jdbc:sqlite:" + database);
        Statement statement = connection.createStatement();
        ReplicaClient client = open()) {
      statement.execute("PRAGMA page_size=" + PAGE_BYTES);
      statement.execute("PRAGMA synchronous=OFF");
      statement.execute("PRAGMA journal_mode=MEMORY");
      statement.execute("CREATE TABLE t(id INTEGER PRIMARY KEY, a TEXT)");
      write(connection, "INSERT INTO t(a, id) VALUES(?, ?)", rows, 1);
      Path before = folder.resolve("before.db");
      store(client, 9, 1, Optional.empty());
      for (int txid = 2; txid < UPDATES + 2; txid++) {
        Files.copy(database, before);
        write(connection, "UPDATE t SET a=? WHERE id=?", rows, 100);
        store(client, txid < LEVEL_1_FILES + 2 ? 1 : 0, txid, Optional.of(before));
        Files.delete(before);
      }
    }
  }

  /** Writes one row out of {@code step}. */
  private void write(Connection connection, String sql, int count, int step) throws SQLException {
    connection.setAutoCommit(false);
    try (PreparedStatement statement = connection.prepareStatement(sql)) {
      for (int row = 1; row + step <= count + 1; row += step) {
        statement.setString(1, text());
        statement.setInt(2, row + random.nextInt(step));
        statement.executeUpdate();
      }
    }
    connection.commit();
    connection.setAutoCommit(true);
  }

  private String text() {
    StringBuilder text = new StringBuilder(ROW_BYTES + 16);
    while (text.length() < ROW_BYTES) {
      text.append(Integer.toHexString(random.nextInt(1 << 16))).append(" sluice ");
    }
    text.setLength(ROW_BYTES);
    return text.toString();
  }

  /** Stores the pages that differ from those of another file, or all. */
  private void store(ReplicaClient client, int level, long txid, Optional<Path> before)
      throws Exception {
    Path content = folder.resolve("content.ltx");
    TxidRange range = new TxidRange(new Txid(txid), new Txid(txid));
    long commit = Files.size(database) / PAGE_BYTES;
    LtxHeader header = LtxHeader.of(PAGE_BYTES, commit, range, System.currentTimeMillis());
    try (OutputStream out = new BufferedOutputStream(Files.newOutputStream(content), 1 << 20);
        LtxEncoder encoder = new LtxEncoder(out, header);
        RandomAccessFile pages = new RandomAccessFile(database.toFile(), "r");
        RandomAccessFile old = new RandomAccessFile(before.orElse(database).toFile(), "r")) {
      byte[] page = new byte[PAGE_BYTES];
      byte[] oldPage = new byte[PAGE_BYTES];
      for (long pgno = 1; pgno <= commit; pgno++) {
        pages.readFully(page);
        boolean isNew = before.isEmpty() || old.read(oldPage) < PAGE_BYTES;
        if (isNew || !Arrays.equals(page, oldPage)) {
          encoder.page(pgno, page);
        }
      }
      encoder.finish();
    }
    LtxFile unused =
        client.createIfAbsent(new LtxFileName(level, range), content, Instant.now()).get();
    Files.delete(content);
  }
}
