package dev.sluice.vfs;

import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;

/** Addresses as applications write them. */
final class Urls {
  private Urls() {}

  /** Returns a JDBC URL of a replica, with further parameters as {@code name=value}. */
  static String jdbc(String replicaUrl, String... parameters) {
    StringBuilder url =
        new StringBuilder("jdbc:sqlite:file:app.db?vfs=litestream&mode=ro&replica_url=");
    url.append(URLEncoder.encode(replicaUrl, StandardCharsets.UTF_8).replace("+", "%20"));
    for (String parameter : parameters) {
      url.append('&').append(parameter);
    }
    return url.toString();
  }
}
