package dev.sluice.bench;

import dev.sluice.ltx.LtxDecoder;
import dev.sluice.ltx.Txid;
import dev.sluice.ltx.TxidRange;
import dev.sluice.storage.Listings;
import dev.sluice.storage.LtxFile;
import dev.sluice.storage.LtxFileName;
import dev.sluice.storage.ReplicaClient;
import dev.sluice.storage.ReplicaClients;
import dev.sluice.storage.ReplicaUrl;
import dev.sluice.testkit.FaultProxy;
import dev.sluice.testkit.S3Server;
import java.io.IOException;
import java.io.InputStream;
import java.net.URI;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.atomic.AtomicBoolean;

/**
 * A bucket behind a proxy that notes when each request was answered. The server and the proxy have
 * answered a thousand writes before: what is measured is not how a JVM starts. Confined to one
 * thread at a time.
 */
final class BenchStorage implements AutoCloseable {
  private static final int WARM_UP_WRITES = 1000;
  private static final int WARM_UP_BYTES = 700;
  private static final AtomicBoolean IS_WARM = new AtomicBoolean();

  private final S3Server server = S3Server.shared();
  private final FaultProxy proxy = FaultProxy.before(server.endpoint());
  private final String bucket = server.createBucket();

  BenchStorage() throws IOException {
    if (IS_WARM.compareAndSet(false, true)) {
      warmUp();
    }
  }

  private void warmUp() throws IOException {
    Path content = Files.createTempFile("sluice-bench", ".ltx");
    try (ReplicaClient client = open(proxy.endpoint(), "warm-up")) {
      Files.write(content, new byte[WARM_UP_BYTES]);
      for (int txid = 1; txid <= WARM_UP_WRITES; txid++) {
        LtxFileName name = new LtxFileName(0, new TxidRange(new Txid(txid), new Txid(txid)));
        LtxFile unused = client.createIfAbsent(name, content, Instant.EPOCH, bytes -> {}).get();
      }
    } catch (ExecutionException | InterruptedException e) {
      throw new IOException(e);
    } finally {
      Files.delete(content);
    }
    proxy.clearLog();
  }

  URI endpoint() {
    return proxy.endpoint();
  }

  String bucket() {
    return bucket;
  }

  FaultProxy proxy() {
    return proxy;
  }

  /** Returns whether a file of a replica was stored, in one piece or in parts. */
  boolean isAnyStored(String database) {
    return proxy.log().stream().anyMatch(exchange -> isStored(exchange, database));
  }

  private static boolean isStored(FaultProxy.Exchange exchange, String database) {
    FaultProxy.Request request = exchange.request();
    boolean isFile = request.path().contains("/" + database + "/") && isLtx(request);
    boolean isWhole = request.method().equals("PUT") && !request.query().contains("partNumber=");
    boolean isPutTogether =
        request.method().equals("POST") && request.query().contains("uploadId=");
    return isFile && (isWhole || isPutTogether) && exchange.status() == 200;
  }

  private static boolean isLtx(FaultProxy.Request request) {
    return request.path().endsWith(".ltx");
  }

  private ReplicaClient open(String database) {
    return open(server.endpoint(), database);
  }

  private ReplicaClient open(URI endpoint, String database) {
    Map<String, String> variables =
        Map.of(
            "AWS_ACCESS_KEY_ID", S3Server.ACCESS_KEY_ID,
            "AWS_SECRET_ACCESS_KEY", S3Server.SECRET_ACCESS_KEY);
    String url = "s3://" + bucket + "/" + database + "?endpoint=" + endpoint;
    return ReplicaClients.open(
        ReplicaUrl.parse(url), name -> Optional.ofNullable(variables.get(name)));
  }

  /** Returns every file of a replica. */
  List<LtxFile> files(String database) throws IOException {
    try (ReplicaClient client = open(database)) {
      return Listings.all(client).get();
    } catch (ExecutionException | InterruptedException e) {
      throw new IOException(e);
    }
  }

  /** Returns how many bytes a replica has, all files together. */
  long bytes(String database) throws IOException {
    return files(database).stream().mapToLong(LtxFile::size).sum();
  }

  /**
   * Returns for each level-0 file the number that stands at a place of a page in it: what the
   * application had written last. Ascending by TXID; a file without that page is left out.
   */
  Map<Long, Long> numbers(String database, long pgno, int at) throws IOException {
    Map<Long, Long> numbers = new TreeMap<>();
    try (ReplicaClient client = open(database)) {
      for (LtxFile file : files(database)) {
        if (file.name().level() == 0) {
          number(client, file, pgno, at)
              .ifPresent(number -> numbers.put(file.name().range().max().value(), number));
        }
      }
    }
    return numbers;
  }

  private static Optional<Long> number(ReplicaClient client, LtxFile file, long pgno, int at)
      throws IOException {
    try (InputStream in = client.open(file).get();
        LtxDecoder decoder = new LtxDecoder(in, file.name().toString())) {
      while (decoder.next()) {
        if (decoder.pgno() == pgno) {
          return Optional.of(ByteBuffer.wrap(decoder.page()).getLong(at));
        }
      }
      return Optional.empty();
    } catch (ExecutionException | InterruptedException e) {
      throw new IOException(e);
    }
  }

  @Override
  public void close() {
    proxy.close();
  }
}
