package dev.sluice.replicator.control;

import java.io.IOException;
import java.net.ConnectException;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.SocketChannel;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermission;
import java.util.EnumSet;
import java.util.Set;

/**
 * The file of a daemon's control socket.
 *
 * <p>One that was left behind is replaced; one on which somebody answers is not. Between the
 * socket's making and its mode there is a moment in which the umask rules, which lets nobody else
 * in but with a umask of 0.
 */
public final class ControlSocket {
  /** Where Litestream's is. */
  public static final Path DEFAULT_PATH = Path.of("/var/run/litestream.sock");

  /** For its owner only: who can write to it can stop the replication. */
  public static final int DEFAULT_MODE = 0600;

  private static final int TYPE_MASK = 0170000;
  private static final int TYPE_SOCKET = 0140000;

  private ControlSocket() {}

  /**
   * Listens on a socket.
   *
   * @param mode of its file, as 0600
   * @throws IOException if the path cannot be used, or a daemon has it: the message says so
   */
  public static void listen(HttpServer server, Path socket, int mode, HttpHandler handler)
      throws IOException {
    Path path = socket.toAbsolutePath();
    try {
      removeStale(path);
      server.listen(path, handler);
      Files.setPosixFilePermissions(path, permissions(mode));
    } catch (IOException e) {
      throw new IOException("control socket " + path + ": " + e.getMessage(), e);
    }
  }

  private static void removeStale(Path path) throws IOException {
    if (!Files.exists(path, LinkOption.NOFOLLOW_LINKS)) {
      return;
    }
    int type = (int) Files.getAttribute(path, "unix:mode", LinkOption.NOFOLLOW_LINKS) & TYPE_MASK;
    if (type != TYPE_SOCKET) {
      throw new IOException("that file is there and is no socket");
    }
    if (isAnswered(path)) {
      throw new IOException("another daemon answers on it");
    }
    Files.deleteIfExists(path);
  }

  /** A socket without a process refuses; whatever else it does, it is somebody's. */
  private static boolean isAnswered(Path path) throws IOException {
    try (SocketChannel open = SocketChannel.open(UnixDomainSocketAddress.of(path))) {
      return open.isConnected();
    } catch (ConnectException e) {
      return false;
    } catch (IOException e) {
      if (!Files.exists(path, LinkOption.NOFOLLOW_LINKS)) {
        return false;
      }
      throw new IOException("nobody can tell whether a daemon has it: " + e.getMessage(), e);
    }
  }

  private static Set<PosixFilePermission> permissions(int mode) {
    PosixFilePermission[] fromOwnerRead = PosixFilePermission.values();
    Set<PosixFilePermission> permissions = EnumSet.noneOf(PosixFilePermission.class);
    for (int bit = 0; bit < fromOwnerRead.length; bit++) {
      if ((mode >> (fromOwnerRead.length - 1 - bit) & 1) != 0) {
        permissions.add(fromOwnerRead[bit]);
      }
    }
    return permissions;
  }
}
