package dev.sluice.vfs;

import dev.sluice.cache.restore.DatabasePlace;
import dev.sluice.cache.restore.Restorer;
import dev.sluice.ltx.Txid;
import dev.sluice.storage.Environment;
import dev.sluice.storage.ReplicaClient;
import dev.sluice.storage.ReplicaClients;
import dev.sluice.storage.ReplicaUrl;
import dev.sluice.storage.RequestMeter;
import dev.sluice.storage.Target;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.DigestInputStream;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.time.Duration;
import java.util.HexFormat;

/** Database files as restoring makes them. */
final class Restored {
  private static final Duration STALL_LIMIT = Duration.ofSeconds(10);

  private Restored() {}

  /** Restores a replica at a TXID and returns {@code out}. */
  static Path at(String url, String txid, Path out) throws IOException {
    try (ReplicaClient client =
            ReplicaClients.open(ReplicaUrl.parse(url), Environment.ofProcess());
        Restorer restorer = new Restorer(client, new RequestMeter(), STALL_LIMIT)) {
      Target target = new Target.AtTxid(Txid.parse(txid));
      restorer.restore(target, out, DatabasePlace.Existing.REFUSE, Restorer.Progress.none());
      return out;
    }
  }

  static String sha256(Path file) throws IOException {
    try (InputStream in = Files.newInputStream(file);
        DigestInputStream digest =
            new DigestInputStream(in, MessageDigest.getInstance("SHA-256"))) {
      digest.transferTo(OutputStream.nullOutputStream());
      return HexFormat.of().formatHex(digest.getMessageDigest().digest());
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException(e);
    }
  }
}
