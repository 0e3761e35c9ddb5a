package dev.sluice.testkit;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.io.UncheckedIOException;
import java.net.URI;
import java.net.URISyntaxException;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Stream;

/**
 * An S3-compatible server (s3proxy) in a process of its own, with its objects in memory: ranges,
 * If-Match, If-None-Match, paged listings, multipart uploads and batch deletes behave as on S3.
 *
 * <p>A process of its own because its 150 jars must not decide which versions our tests see. It
 * listens on free ports of the loopback address and ends with this JVM, however that ends. Objects
 * are put through a second port that asks for no signature. Thread-safe.
 */
public final class S3Server implements AutoCloseable {

  /** The access key ID that {@link #endpoint()} accepts. */
  public static final String ACCESS_KEY_ID = "AKIDSLUICETEST";

  /**
   * The secret that goes with it; recognisable, so that a test can look for it where it must not
   * be.
   */
  public static final String SECRET_ACCESS_KEY = "s3cr3t-of-the-test-server";

  static final String PORTS_PREFIX = "s3server ports ";

  /** Of its JVM: soon ready and small, for tests. */
  private static final String OPTIONS =
      System.getProperty("sluice.s3server.options", "-Xmx1g -XX:TieredStopAtLevel=1");

  private static final Duration START_LIMIT = Duration.ofSeconds(60);
  private static final AtomicInteger BUCKETS = new AtomicInteger();

  private final Process process;
  private final URI endpoint;
  private final URI anonymousEndpoint;
  private final HttpClient http;

  private S3Server(Process process, int port, int anonymousPort) {
    this.process = process;
    this.endpoint = URI.create("http://127.0.0.1:" + port);
    this.anonymousEndpoint = URI.create("http://127.0.0.1:" + anonymousPort);
    this.http = HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build();
  }

  /**
   * Returns the server that all tests of this JVM share, started at the first call. Nobody closes
   * it.
   */
  public static S3Server shared() {
    return Shared.SERVER;
  }

  private static final class Shared {
    static final S3Server SERVER = start();
  }

  /**
   * Starts a server and waits until it listens.
   *
   * @throws IllegalStateException if it does not within a minute; its own words are in the message
   */
  @SuppressWarnings("resource") // the output reader ends with the process
  public static S3Server start() {
    try {
      Process process = new ProcessBuilder(command()).redirectErrorStream(true).start();
      Runtime.getRuntime().addShutdownHook(new Thread(process::destroyForcibly, "s3server-end"));
      CompletableFuture<String> ports = new CompletableFuture<>();
      Thread reader = new Thread(() -> readOutput(process, ports), "s3server-output");
      reader.setDaemon(true);
      reader.start();
      String[] numbers = await(process, ports).split(" ", 2);
      return new S3Server(process, Integer.parseInt(numbers[0]), Integer.parseInt(numbers[1]));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static List<String> command() throws IOException {
    String java = Path.of(System.getProperty("java.home"), "bin", "java").toString();
    List<String> command = new ArrayList<>(List.of(java, "-XX:+UseSerialGC"));
    command.addAll(List.of(OPTIONS.split(" ")));
    command.add("-Dlogback.configurationFile=dev/sluice/testkit/s3server-logback.xml");
    command.addAll(
        List.of(
            "-cp", classPath(), S3ServerProcess.class.getName(), ACCESS_KEY_ID, SECRET_ACCESS_KEY));
    return command;
  }

  private static String classPath() throws IOException {
    try (InputStream in = S3Server.class.getResourceAsStream("s3server.classpath")) {
      if (in == null) {
        throw new IllegalStateException(
            "resource s3server.classpath is missing: the testkit was not built by Maven");
      }
      String jars = new String(in.readAllBytes(), StandardCharsets.UTF_8).trim();
      return Path.of(S3Server.class.getProtectionDomain().getCodeSource().getLocation().toURI())
          + java.io.File.pathSeparator
          + jars;
    } catch (URISyntaxException e) {
      throw new IllegalStateException(e);
    }
  }

  private static void readOutput(Process process, CompletableFuture<String> ports) {
    StringBuilder said = new StringBuilder();
    try (BufferedReader output =
        new BufferedReader(
            new InputStreamReader(process.getInputStream(), StandardCharsets.UTF_8))) {
      for (String line = output.readLine(); line != null; line = output.readLine()) {
        if (line.startsWith(PORTS_PREFIX)) {
          ports.complete(line.substring(PORTS_PREFIX.length()));
        } else if (ports.isDone()) {
          System.err.println(line);
        } else {
          said.append(System.lineSeparator()).append(line);
        }
      }
    } catch (IOException e) {
      said.append(e);
    }
    ports.completeExceptionally(
        new IllegalStateException("the S3 server ended before it listened:" + said));
  }

  private static String await(Process process, CompletableFuture<String> ports) {
    try {
      return ports.get(START_LIMIT.toSeconds(), TimeUnit.SECONDS);
    } catch (ExecutionException | TimeoutException e) {
      process.destroyForcibly();
      throw new IllegalStateException("start an S3 server: " + e, e);
    } catch (InterruptedException e) {
      process.destroyForcibly();
      Thread.currentThread().interrupt();
      throw new IllegalStateException("start an S3 server: interrupted", e);
    }
  }

  /**
   * Returns the address that accepts requests signed with the key above; path style, any region.
   */
  public URI endpoint() {
    return endpoint;
  }

  /** Returns the address of the same buckets that asks for no signature. */
  public URI anonymousEndpoint() {
    return anonymousEndpoint;
  }

  /** Makes an empty bucket with a name of its own and returns the name. */
  public String createBucket() {
    String bucket = "sluice-test-" + BUCKETS.incrementAndGet();
    createBucket(bucket);
    return bucket;
  }

  /** Makes an empty bucket of this name (at least three characters). */
  public void createBucket(String bucket) {
    send(request("/" + bucket).PUT(BodyPublishers.noBody()).build());
  }

  /** Puts one object, over an older one of the same key. */
  public void put(String bucket, String key, byte[] content) {
    send(request("/" + bucket + "/" + key).PUT(BodyPublishers.ofByteArray(content)).build());
  }

  /** Puts every file under {@code folder}, each under {@code prefix/<its path from the folder>}. */
  public void putFolder(String bucket, String prefix, Path folder) {
    try (Stream<Path> files = Files.walk(folder)) {
      for (Path file : (Iterable<Path>) files.filter(Files::isRegularFile)::iterator) {
        String below = folder.relativize(file).toString().replace(java.io.File.separatorChar, '/');
        put(bucket, prefix.isEmpty() ? below : prefix + "/" + below, Files.readAllBytes(file));
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** Returns an object's bytes. */
  public byte[] get(String bucket, String key) {
    return send(request("/" + bucket + "/" + key).GET().build()).body();
  }

  /** Returns the value of one header of an object, or an empty string. */
  public String header(String bucket, String key, String name) {
    HttpRequest head =
        request("/" + bucket + "/" + key).method("HEAD", BodyPublishers.noBody()).build();
    return send(head).headers().firstValue(name).orElse("");
  }

  /** Returns how many uploads in parts of this bucket were begun and neither ended nor aborted. */
  public int uploadCount(String bucket) {
    HttpResponse<byte[]> listing = send(request("/" + bucket + "?uploads").GET().build());
    String xml = new String(listing.body(), StandardCharsets.UTF_8);
    return xml.split("<UploadId>", -1).length - 1;
  }

  /** Deletes one object. */
  public void delete(String bucket, String key) {
    send(request("/" + bucket + "/" + key).DELETE().build());
  }

  private HttpRequest.Builder request(String path) {
    return HttpRequest.newBuilder(anonymousEndpoint.resolve(path)).timeout(START_LIMIT);
  }

  private HttpResponse<byte[]> send(HttpRequest request) {
    try {
      HttpResponse<byte[]> response = http.send(request, BodyHandlers.ofByteArray());
      if (response.statusCode() / 100 != 2) {
        String body = new String(response.body(), StandardCharsets.UTF_8);
        throw new IllegalStateException(
            request.method() + " " + request.uri() + ": " + response.statusCode() + " " + body);
      }
      return response;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException(e);
    }
  }

  /** Kills the server. Idempotent. */
  @Override
  public void close() {
    process.destroyForcibly();
  }
}
