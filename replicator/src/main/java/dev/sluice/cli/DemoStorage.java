package dev.sluice.cli;

import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/**
 * Where the demo keeps its replica: a directory, or an S3-compatible server on this host, which
 * comes with a checkout and not with the jar (it is twice as large as Sluice).
 *
 * @param url the replica's
 * @param name how a person may call it
 * @param environment what a process needs to use it
 * @param server ended by {@link #close()}
 */
record DemoStorage(
    String url, String name, Map<String, String> environment, List<DemoProcess> server)
    implements AutoCloseable {
  private static final String ACCESS_KEY_ID = "demo";
  private static final String PORTS_PREFIX = "s3server ports ";
  private static final String BUCKET = "demo";
  private static final int START_SECONDS = 15;

  /** Returns a directory in the demo's folder. */
  static DemoStorage directory(Path folder) {
    Path replica = folder.resolve("replica");
    return new DemoStorage(replica.toString(), "a directory", Map.of(), List.of());
  }

  /**
   * Starts a server and makes a bucket in it.
   *
   * @throws Failure if this is no checkout that was built
   */
  static DemoStorage s3(Path folder) throws Failure, IOException {
    Path classes = testkit();
    String jars = Files.readString(classes.resolve("dev/sluice/testkit/s3server.classpath")).trim();
    String secret = UUID.randomUUID().toString();
    CompletableFuture<String> ports = new CompletableFuture<>();
    DemoProcess server =
        DemoProcess.start(
            "s3",
            List.of(
                "-Dlogback.configurationFile=dev/sluice/testkit/s3server-logback.xml",
                "-cp",
                classes + System.getProperty("path.separator") + jars,
                "dev.sluice.testkit.S3ServerProcess",
                ACCESS_KEY_ID,
                secret),
            folder,
            Map.of(),
            line -> {
              if (line.startsWith(PORTS_PREFIX)) {
                ports.complete(line.substring(PORTS_PREFIX.length()));
              }
            });
    try {
      String[] numbers = await(ports).split(" ", 2);
      makeBucket("http://127.0.0.1:" + numbers[1] + "/" + BUCKET);
      // The chain of credentials looks here; the processes get them as variables.
      System.setProperty("aws.accessKeyId", ACCESS_KEY_ID);
      System.setProperty("aws.secretAccessKey", secret);
      return new DemoStorage(
          "s3://"
              + BUCKET
              + "/shop?endpoint=http://127.0.0.1:"
              + numbers[0]
              + "&region=us-east-1&force-path-style=true",
          "an S3-compatible server",
          Map.of("AWS_ACCESS_KEY_ID", ACCESS_KEY_ID, "AWS_SECRET_ACCESS_KEY", secret),
          List.of(server));
    } catch (Failure | IOException | RuntimeException e) {
      server.close();
      throw e;
    }
  }

  /** The checkout's own tests have such a server: a jar that was built in it finds it there. */
  private static Path testkit() throws Failure {
    Path classes =
        Path.of(System.getProperty("java.class.path"))
            .toAbsolutePath()
            .resolveSibling("../../ltx/testkit/target/classes")
            .normalize();
    if (!Files.exists(classes.resolve("dev/sluice/testkit/s3server.classpath"))) {
      throw new Failure(
          "start an S3-compatible server",
          "it comes with a checkout: run ./sluice demo --s3 there, or leave out --s3");
    }
    return classes;
  }

  private static String await(CompletableFuture<String> ports) throws Failure {
    try {
      return ports.get(START_SECONDS, TimeUnit.SECONDS);
    } catch (ExecutionException | TimeoutException e) {
      throw new Failure("start an S3-compatible server", "it does not listen", e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new Failure("start an S3-compatible server", "interrupted");
    }
  }

  private static void makeBucket(String address) throws Failure, IOException {
    HttpRequest request =
        HttpRequest.newBuilder(URI.create(address))
            .PUT(HttpRequest.BodyPublishers.noBody())
            .build();
    try {
      int status =
          HttpClient.newHttpClient()
              .send(request, HttpResponse.BodyHandlers.discarding())
              .statusCode();
      if (status != 200) {
        throw new Failure("make a bucket", "the server answers " + status);
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new Failure("make a bucket", "interrupted");
    }
  }

  @Override
  public void close() {
    server.forEach(DemoProcess::close);
  }
}
