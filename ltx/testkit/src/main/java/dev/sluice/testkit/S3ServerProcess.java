package dev.sluice.testkit;

import java.io.IOException;
import java.net.URI;
import org.gaul.s3proxy.S3Proxy;
import org.gaul.s3proxy.auth.AuthenticationType;
import org.gaul.s3proxy.blobstore.BlobStore;
import org.gaul.s3proxy.nio2blob.TransientNio2BlobStore;

/**
 * The main class of the server's process: one store in memory behind two ports, one that checks
 * signatures and one that does not.
 *
 * <p>It prints both port numbers in one line and lives until its standard input ends, so it goes
 * when its parent goes, however that dies.
 */
final class S3ServerProcess {

  private S3ServerProcess() {}

  /** Takes the access key ID and the secret access key that the first port asks for. */
  public static void main(String[] keys) throws Exception {
    BlobStore store = new TransientNio2BlobStore();
    S3Proxy signed = start(store, AuthenticationType.AWS_V2_OR_V4, keys[0], keys[1]);
    S3Proxy anonymous = start(store, AuthenticationType.NONE, "", "");
    System.out.println(S3Server.PORTS_PREFIX + signed.getPort() + " " + anonymous.getPort());
    System.out.flush();
    awaitEndOfInput();
    Runtime.getRuntime().halt(0);
  }

  private static S3Proxy start(BlobStore store, AuthenticationType type, String key, String secret)
      throws Exception {
    S3Proxy server =
        S3Proxy.builder()
            .endpoint(URI.create("http://127.0.0.1:0"))
            .blobStore(store)
            .awsAuthentication(type, key, secret)
            .ignoreUnknownHeaders(true)
            .build();
    server.start();
    return server;
  }

  private static void awaitEndOfInput() throws IOException {
    while (System.in.read() >= 0) {
      // Nothing is said on standard input; only its end matters.
    }
  }
}
