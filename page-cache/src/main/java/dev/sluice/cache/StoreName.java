package dev.sluice.cache;

import dev.sluice.storage.ReplicaUrl;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;

/**
 * The name of the folder in which a replica's page store is: readable, and another for each
 * replica; without a secret, so that a new password finds the old store.
 */
final class StoreName {
  private static final int LABEL_LENGTH_MAX = 40;
  private static final int HASH_BYTES = 8;

  private StoreName() {}

  static String of(ReplicaUrl url) {
    String path =
        url.scheme().equals(ReplicaUrl.FILE)
            ? Path.of(url.path()).toAbsolutePath().normalize().toString()
            : url.path();
    String where =
        String.join(
            "\n",
            url.scheme(),
            url.user().orElse(""),
            url.host(),
            url.port().toString(),
            path,
            url.query().getOrDefault("endpoint", ""));
    return label(path.isEmpty() ? url.host() : path) + "-" + hash(where);
  }

  private static String label(String path) {
    String last = path.substring(path.lastIndexOf('/') + 1).replaceAll("[^A-Za-z0-9._-]", "_");
    String shown = last.isEmpty() || last.startsWith(".") ? "replica" : last;
    return shown.substring(0, Math.min(shown.length(), LABEL_LENGTH_MAX));
  }

  private static String hash(String text) {
    try {
      byte[] hash =
          MessageDigest.getInstance("SHA-256").digest(text.getBytes(StandardCharsets.UTF_8));
      return HexFormat.of().formatHex(hash, 0, HASH_BYTES);
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("every JDK has SHA-256", e);
    }
  }
}
