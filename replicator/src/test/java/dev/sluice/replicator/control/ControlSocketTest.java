package dev.sluice.replicator.control;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.ServerSocketChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

@SuppressWarnings("try") // a server that only listens
final class ControlSocketTest {
  private static final HttpHandler HANDLER =
      call -> CompletableFuture.completedFuture(HttpReply.json(HttpReply.OK, call.path()));

  @TempDir Path folder;

  private HttpServer listen(int mode) throws IOException {
    HttpServer server = new HttpServer(HttpLimits.STANDARD);
    try {
      ControlSocket.listen(server, socket(), mode, HANDLER);
      return server;
    } catch (IOException e) {
      server.close();
      throw e;
    }
  }

  private Path socket() {
    return folder.resolve("s");
  }

  private String ask(String path) throws IOException {
    return new ControlClient(socket(), Duration.ofSeconds(30)).get(path, String.class);
  }

  @ParameterizedTest
  @CsvSource({"0600, rw-------", "0660, rw-rw----", "0777, rwxrwxrwx"})
  void fileHasTheModeAskedFor(String mode, String permissions) throws IOException {
    try (HttpServer server = listen(Integer.parseInt(mode, 8))) {
      assertEquals(
          permissions, PosixFilePermissions.toString(Files.getPosixFilePermissions(socket())));
      assertEquals("/a", ask("/a"));
    }
    assertFalse(Files.exists(socket()));
  }

  @Test
  void fileThatWasLeftBehindIsReplaced() throws IOException {
    try (ServerSocketChannel dead = ServerSocketChannel.open(StandardProtocolFamily.UNIX)) {
      dead.bind(UnixDomainSocketAddress.of(socket()));
    }
    assertTrue(Files.exists(socket()));
    try (HttpServer server = listen(0600)) {
      assertEquals("/b", ask("/b"));
    }
  }

  @Test
  void secondDaemonIsRefusedAndTheFirstGoesOn() throws IOException {
    try (HttpServer first = listen(0600)) {
      IOException refused = assertThrows(IOException.class, () -> listen(0600));
      assertEquals(
          "control socket " + socket() + ": another daemon answers on it", refused.getMessage());
      assertEquals("/c", ask("/c"));
    }
  }

  @Test
  void fileThatIsNoSocketIsLeftAlone() throws IOException {
    Files.writeString(socket(), "mine");
    IOException refused = assertThrows(IOException.class, () -> listen(0600));
    assertEquals(
        "control socket " + socket() + ": that file is there and is no socket",
        refused.getMessage());
    assertEquals("mine", Files.readString(socket()));
  }

  @Test
  void directoryThatIsMissingIsSaid() {
    Path socket = folder.resolve("none/s");
    try (HttpServer server = new HttpServer(HttpLimits.STANDARD)) {
      IOException refused =
          assertThrows(
              IOException.class, () -> ControlSocket.listen(server, socket, 0600, HANDLER));
      assertTrue(
          refused.getMessage().startsWith("control socket " + socket + ": "), refused.getMessage());
      assertEquals(1, refused.getMessage().lines().count());
    }
  }

  @Test
  void askingWithoutADaemonSaysSo() {
    IOException none = assertThrows(ControlClient.NoDaemonException.class, () -> ask("/d"));
    assertEquals(
        "no daemon: there is no socket " + socket() + " (it makes one with --socket)",
        none.getMessage());
  }
}
