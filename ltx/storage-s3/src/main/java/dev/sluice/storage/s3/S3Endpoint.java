package dev.sluice.storage.s3;

import java.net.URI;
import java.net.URISyntaxException;
import java.util.Locale;
import java.util.regex.Pattern;

/** Where an S3-compatible server is, with what is known of the providers' ways. Immutable. */
record S3Endpoint(URI uri) {
  private static final int PORT_MAX = 65_535;
  private static final Pattern LOCAL =
      Pattern.compile(
          "localhost|.*\\.localhost|.*\\.local|127\\..*|\\[::1]|10\\..*|192\\.168\\..*|172\\.(1[6-9]|2[0-9]|3[01])\\..*");

  /**
   * Returns the endpoint that a user wrote, with or without scheme: without one, local and private
   * hosts are {@code http}, all others {@code https}, as for Litestream.
   *
   * @throws IllegalArgumentException if it is not {@code [http[s]://]host[:port][/path]}
   */
  static S3Endpoint parse(String text) {
    String lower = text.toLowerCase(Locale.ROOT);
    boolean hasScheme = lower.startsWith("http://") || lower.startsWith("https://");
    try {
      URI uri = new URI(hasScheme ? text : "http://" + text);
      if (uri.getHost() == null
          || uri.getRawUserInfo() != null
          || uri.getRawQuery() != null
          || uri.getRawFragment() != null) {
        throw new IllegalArgumentException("s3: endpoint is not [http[s]://]HOST[:PORT][/PATH]");
      }
      if (uri.getPort() == 0 || uri.getPort() > PORT_MAX) {
        throw new IllegalArgumentException(
            "s3: endpoint: port " + uri.getPort() + " is not in 1.." + PORT_MAX);
      }
      if (hasScheme || LOCAL.matcher(uri.getHost()).matches()) {
        return new S3Endpoint(uri);
      }
      return new S3Endpoint(new URI("https://" + text));
    } catch (URISyntaxException e) {
      // Neither its text nor its cause: what is written there by mistake may be a secret.
      throw new IllegalArgumentException("s3: endpoint is not [http[s]://]HOST[:PORT][/PATH]");
    }
  }

  /**
   * Returns whether secrets may go to this server without TLS: it is on this machine or in a
   * private network.
   */
  boolean isLocal() {
    return LOCAL.matcher(uri.getHost()).matches();
  }

  boolean isEncrypted() {
    return uri.getScheme().equalsIgnoreCase("https");
  }

  boolean isTigris() {
    return uri.getHost().equals("fly.storage.tigris.dev") || uri.getHost().equals("t3.storage.dev");
  }

  boolean isCloudflareR2() {
    return uri.getHost().endsWith(".r2.cloudflarestorage.com");
  }
}
