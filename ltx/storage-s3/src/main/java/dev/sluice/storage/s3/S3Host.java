package dev.sluice.storage.s3;

import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * What the host of an {@code s3:} URL stands for. The forms are Litestream's:
 *
 * <pre>
 *   bucket                                     AWS, or the endpoint that the query names
 *   bucket.s3.amazonaws.com                    AWS
 *   bucket.s3.REGION.amazonaws.com             AWS
 *   arn:aws:s3:REGION:ACCOUNT:accesspoint/NAME AWS
 *   bucket.REGION.digitaloceanspaces.com       https://REGION.digitaloceanspaces.com
 *   bucket.s3.REGION.backblazeb2.com           https://s3.REGION.backblazeb2.com, path style
 *   bucket.s3.filebase.com                     https://s3.filebase.com, path style
 *   bucket.s3.REGION.scw.cloud                 https://s3.REGION.scw.cloud
 *   bucket.HOST:PORT                           http://HOST:PORT, path style (not if HOST has .com in it)
 * </pre>
 *
 * <p>Immutable.
 *
 * @param endpoint where to connect, or empty for AWS
 * @param isPathStyle whether the bucket stands in the path if nobody says otherwise
 */
record S3Host(
    String bucket, Optional<String> region, Optional<String> endpoint, boolean isPathStyle) {

  private record Provider(Pattern host, String endpoint, boolean isPathStyle) {}

  private static final Pattern AWS = Pattern.compile("(.+)\\.s3(?:\\.([^.]+))?\\.amazonaws\\.com");
  private static final List<Provider> PROVIDERS =
      List.of(
          new Provider(
              Pattern.compile("(?:(.+)\\.)?([^.]+)\\.digitaloceanspaces\\.com"),
              "https://%s.digitaloceanspaces.com",
              false),
          new Provider(
              Pattern.compile("(?:(.+)\\.)?s3\\.([^.]+)\\.backblazeb2\\.com"),
              "https://s3.%s.backblazeb2.com",
              true),
          new Provider(
              Pattern.compile("(?:(.+)\\.)?s3\\.()filebase\\.com"),
              "https://s3.filebase.com",
              true),
          new Provider(
              Pattern.compile("(?:(.+)\\.)?s3\\.([^.]+)\\.scw\\.cloud"),
              "https://s3.%s.scw.cloud",
              false));

  /**
   * Returns what {@code host} and {@code port} of a URL stand for.
   *
   * @throws IllegalArgumentException if there is no bucket in them
   */
  static S3Host of(String host, OptionalInt port) {
    if (host.toLowerCase(Locale.ROOT).startsWith("arn:")) {
      return ofAccessPoint(host);
    } else if (port.isPresent()) {
      return ofHostAndPort(host, port.getAsInt());
    }
    Matcher aws = AWS.matcher(host);
    if (aws.matches()) {
      return new S3Host(aws.group(1), Optional.ofNullable(aws.group(2)), Optional.empty(), false);
    }
    for (Provider provider : PROVIDERS) {
      Matcher matcher = provider.host().matcher(host);
      if (matcher.matches()) {
        return ofProvider(provider, matcher, host);
      }
    }
    return new S3Host(host, Optional.empty(), Optional.empty(), false);
  }

  private static S3Host ofProvider(Provider provider, Matcher matcher, String host) {
    if (matcher.group(1) == null) {
      throw new IllegalArgumentException(
          "s3: no bucket in host " + host + " (write s3://BUCKET." + host + "/...)");
    }
    Optional<String> region = Optional.of(matcher.group(2)).filter(r -> !r.isEmpty());
    String endpoint = provider.endpoint().formatted(region.orElse(""));
    return new S3Host(matcher.group(1), region, Optional.of(endpoint), provider.isPathStyle());
  }

  private static S3Host ofAccessPoint(String arn) {
    String[] parts = arn.split(":", 6);
    if (parts.length < 6 || parts[3].isEmpty()) {
      throw new IllegalArgumentException(
          "s3: access point ARN without a region (multi-region access points are not supported): "
              + arn);
    }
    return new S3Host(arn, Optional.of(parts[3]), Optional.empty(), false);
  }

  private static S3Host ofHostAndPort(String host, int port) {
    int dot = host.indexOf('.');
    if (dot <= 0 || host.contains(".com")) {
      throw new IllegalArgumentException(
          "s3: no bucket in "
              + host
              + ":"
              + port
              + " (write s3://BUCKET/...?endpoint=http://"
              + host
              + ":"
              + port
              + ")");
    }
    return new S3Host(
        host.substring(0, dot),
        Optional.empty(),
        Optional.of("http://" + host.substring(dot + 1) + ":" + port),
        true);
  }
}
