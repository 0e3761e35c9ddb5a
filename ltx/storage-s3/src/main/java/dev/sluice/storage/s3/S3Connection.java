package dev.sluice.storage.s3;

import dev.sluice.storage.Environment;
import io.netty.channel.EventLoopGroup;
import io.netty.channel.socket.nio.NioSocketChannel;
import java.time.Clock;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.Executor;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.ScheduledThreadPoolExecutor;
import java.util.concurrent.ThreadFactory;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import software.amazon.awssdk.awscore.retry.AwsRetryStrategy;
import software.amazon.awssdk.core.checksums.RequestChecksumCalculation;
import software.amazon.awssdk.core.checksums.ResponseChecksumValidation;
import software.amazon.awssdk.core.client.config.ClientOverrideConfiguration;
import software.amazon.awssdk.core.client.config.SdkAdvancedAsyncClientOption;
import software.amazon.awssdk.http.Protocol;
import software.amazon.awssdk.http.SdkHttpConfigurationOption;
import software.amazon.awssdk.http.async.SdkAsyncHttpClient;
import software.amazon.awssdk.http.auth.aws.signer.AwsV4FamilyHttpSigner;
import software.amazon.awssdk.http.auth.spi.scheme.AuthSchemeOption;
import software.amazon.awssdk.http.nio.netty.NettyNioAsyncHttpClient;
import software.amazon.awssdk.http.nio.netty.SdkEventLoopGroup;
import software.amazon.awssdk.regions.Region;
import software.amazon.awssdk.services.s3.LegacyMd5Plugin;
import software.amazon.awssdk.services.s3.S3AsyncClient;
import software.amazon.awssdk.services.s3.S3AsyncClientBuilder;
import software.amazon.awssdk.services.s3.auth.scheme.S3AuthSchemeProvider;
import software.amazon.awssdk.utils.AttributeMap;

/**
 * The SDK's client of one replica with the threads and sockets that belong to it. The SDK's own
 * retries are off: who calls decides.
 *
 * <p>Checksums are neither asked for nor added unless an operation requires one: ranged reads have
 * none, and many S3-compatible servers take no trailing checksums. Uploads are not chunk-encoded
 * for the same reason, nor do they wait for a server to say that it expects them. Thread-safe.
 */
final class S3Connection implements AutoCloseable {
  private static final int CONNECTIONS_MAX = 64;
  private static final int COMPLETION_THREADS = 4;
  private static final int SOCKET_THREADS = 2;
  private static final Duration CONNECT_LIMIT = Duration.ofSeconds(3);

  /** For a connection to become free. */
  private static final Duration ACQUIRE_LIMIT = Duration.ofSeconds(5);

  private static final Duration IDLE_LIMIT = Duration.ofSeconds(30);
  private static final Duration THREAD_IDLE_LIMIT = Duration.ofSeconds(10);
  private static final Duration END_QUIET = Duration.ofSeconds(1);
  private static final Duration END_LIMIT = Duration.ofSeconds(5);

  /**
   * How long a call may take when nobody above has set a shorter limit; a part of an upload is one
   * call.
   */
  private static final Duration CALL_LIMIT = Duration.ofMinutes(10);

  private final ThreadPoolExecutor completions;
  private final ThreadPoolExecutor starts;
  private final ScheduledExecutorService timer;
  private final S3Credentials credentials;
  private final SdkAsyncHttpClient http;
  private final S3AsyncClient client;

  private final S3Closing made;

  private S3Connection(S3Settings settings, Environment environment, S3Closing made) {
    String name = "s3-" + settings.bucket().substring(settings.bucket().lastIndexOf('/') + 1);
    this.made = made;
    completions = threads(name, COMPLETION_THREADS);
    made.add(completions::shutdown);
    starts = threads(name + "-start", 1);
    made.add(starts::shutdownNow);
    timer = new ScheduledThreadPoolExecutor(1, factory(name + "-timer"));
    made.add(timer::shutdownNow);
    credentials = new S3Credentials(environment, Clock.systemUTC());
    made.add(credentials);
    EventLoopGroup sockets = new S3SocketThreads(SOCKET_THREADS, factory(name + "-io"));
    made.add(() -> end(sockets));
    http = http(settings, sockets);
    made.add(http);
    client = client(settings, environment, http);
    made.add(client);
  }

  /** Returns a connection that has made no request yet; if there can be none, nothing is left. */
  static S3Connection open(S3Settings settings, Environment environment) {
    S3Closing made = new S3Closing();
    try {
      return new S3Connection(settings, environment, made);
    } catch (RuntimeException | Error e) {
      made.closeAfter(e);
      throw e;
    }
  }

  S3AsyncClient client() {
    return client;
  }

  /**
   * Returns where requests are made: by the caller if the credentials are known, else on a thread
   * of ours, as finding them may take seconds while the caller's time limit and cancellation must
   * hold.
   */
  Executor starts() {
    return credentials.mayWait() ? starts : Runnable::run;
  }

  /** Returns where what follows an answer runs. */
  Executor completions() {
    return this::runCompletion;
  }

  /**
   * Runs work on a thread of ours, or at once if those have ended: a caller must not wait for ever.
   */
  private void runCompletion(Runnable work) {
    try {
      completions.execute(work);
    } catch (RejectedExecutionException e) {
      work.run();
    }
  }

  private static ThreadPoolExecutor threads(String name, int count) {
    ThreadPoolExecutor threads =
        new ThreadPoolExecutor(
            count,
            count,
            THREAD_IDLE_LIMIT.toMillis(),
            TimeUnit.MILLISECONDS,
            new LinkedBlockingQueue<>(),
            factory(name));
    threads.allowCoreThreadTimeOut(true);
    return threads;
  }

  private static ThreadFactory factory(String name) {
    AtomicInteger number = new AtomicInteger();
    return work -> {
      Thread thread = new Thread(work, name + "-" + number.incrementAndGet());
      thread.setDaemon(true);
      return thread;
    };
  }

  /** What was cancelled just now still says so to these threads, which nobody waits for. */
  @SuppressWarnings("FutureReturnValueIgnored") // it ends by itself
  private static void end(EventLoopGroup sockets) {
    sockets.shutdownGracefully(END_QUIET.toMillis(), END_LIMIT.toMillis(), TimeUnit.MILLISECONDS);
  }

  /** Limits of time are the callers': one who reads a file slowly makes its socket wait. */
  private static SdkAsyncHttpClient http(S3Settings settings, EventLoopGroup sockets) {
    return new S3HttpClient(
        NettyNioAsyncHttpClient.builder()
            .eventLoopGroup(SdkEventLoopGroup.create(sockets, NioSocketChannel::new))
            .protocol(Protocol.HTTP1_1)
            .maxConcurrency(CONNECTIONS_MAX)
            .connectionTimeout(CONNECT_LIMIT)
            .connectionAcquisitionTimeout(ACQUIRE_LIMIT)
            .connectionMaxIdleTime(IDLE_LIMIT)
            .readTimeout(Duration.ZERO)
            .writeTimeout(Duration.ZERO)
            .buildWithDefaults(
                AttributeMap.builder()
                    .put(SdkHttpConfigurationOption.TRUST_ALL_CERTIFICATES, settings.skipVerify())
                    .build()));
  }

  private S3AsyncClient client(
      S3Settings settings, Environment environment, SdkAsyncHttpClient httpClient) {
    boolean isRegionKnown = settings.region().isPresent() || settings.endpoint().isPresent();
    String start =
        isRegionKnown
            ? S3Settings.DEFAULT_REGION
            : environment.get("AWS_REGION").orElse(S3Settings.DEFAULT_REGION);
    return builder(settings)
        .httpClient(httpClient)
        .credentialsProvider(credentials)
        .region(Region.of(settings.region().orElse(start)))
        .crossRegionAccessEnabled(!isRegionKnown)
        .asyncConfiguration(
            async ->
                async.advancedOption(
                    SdkAdvancedAsyncClientOption.FUTURE_COMPLETION_EXECUTOR, completions()))
        .overrideConfiguration(
            configuration -> configure(configuration, settings).scheduledExecutorService(timer))
        .build();
  }

  /** Returns what is said of a client's requests, whoever sends them. */
  static S3AsyncClientBuilder builder(S3Settings settings) {
    S3AsyncClientBuilder builder =
        S3AsyncClient.builder()
            .forcePathStyle(settings.isPathStyle())
            .serviceConfiguration(
                s3 ->
                    s3.chunkedEncodingEnabled(false)
                        .useArnRegionEnabled(true)
                        .expectContinueEnabled(false))
            .requestChecksumCalculation(RequestChecksumCalculation.WHEN_REQUIRED)
            .responseChecksumValidation(ResponseChecksumValidation.WHEN_REQUIRED)
            .authSchemeProvider(payloadSigning(settings.signPayload()))
            .overrideConfiguration(configuration -> configure(configuration, settings));
    settings.endpoint().ifPresent(endpoint -> builder.endpointOverride(endpoint.uri()));
    if (settings.requireContentMd5()) {
      builder.addPlugin(LegacyMd5Plugin.create());
    }
    return builder;
  }

  private static ClientOverrideConfiguration.Builder configure(
      ClientOverrideConfiguration.Builder configuration, S3Settings settings) {
    configuration
        .retryStrategy(AwsRetryStrategy.doNotRetry())
        .addExecutionInterceptor(new S3Sending())
        .apiCallAttemptTimeout(CALL_LIMIT);
    if (settings.endpoint().map(S3Endpoint::isTigris).orElse(false)) {
      configuration.putHeader("X-Tigris-Consistent", "true");
    }
    return configuration;
  }

  /**
   * Says for every request whether its body is part of its signature; plain HTTP signs it in any
   * case.
   */
  private static S3AuthSchemeProvider payloadSigning(boolean isEnabled) {
    S3AuthSchemeProvider standard = S3AuthSchemeProvider.defaultProvider();
    return parameters -> {
      List<AuthSchemeOption> options = standard.resolveAuthScheme(parameters);
      return options.stream()
          .map(
              option ->
                  option.toBuilder()
                      .putSignerProperty(AwsV4FamilyHttpSigner.PAYLOAD_SIGNING_ENABLED, isEnabled)
                      .build())
          .toList();
    };
  }

  /** Ends the sockets and threads. Idempotent. */
  @Override
  public void close() {
    made.close();
  }
}
