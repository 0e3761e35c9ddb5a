package dev.sluice.vfs;

import dev.sluice.storage.Environment;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.AtomicMoveNotSupportedException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.Locale;
import java.util.Optional;

/**
 * The file of libsluice on this machine's disk.
 *
 * <p>It lies under its content's hash and is never written again once it is there: everyone in the
 * process (JNA, each SQLite) must load the same file, for the same file is the same instance, and a
 * library that is mapped must not change. Immutable.
 *
 * @param path where it is
 */
record LibraryFile(Path path) {
  /**
   * The setting that chooses another directory: a system property, and a variable for those who
   * cannot set one.
   */
  static final String DIRECTORY_PROPERTY = "sluice.native.dir";

  static final String DIRECTORY_VARIABLE = "SLUICE_NATIVE_DIR";

  /**
   * The setting that names a library to load instead of the jar's: one built for another platform,
   * or for its tests.
   */
  static final String LIBRARY_PROPERTY = "sluice.native.library";

  private static final int HASH_DIGITS = 32;

  /** Returns the library of this platform, unpacked if it is not there yet. */
  static LibraryFile unpack(Environment environment) {
    String chosen = System.getProperty(LIBRARY_PROPERTY, "");
    if (!chosen.isEmpty()) {
      return new LibraryFile(Path.of(chosen).toAbsolutePath());
    }
    String os = os(System.getProperty("os.name"));
    String platform = os + "-" + arch(System.getProperty("os.arch"));
    String name = "libsluice." + (os.equals("macos") ? "dylib" : "so");
    byte[] content = content("native/" + platform + "/" + name, platform);
    return unpack(content, name, directory(environment));
  }

  /** Returns the library with this content, unpacked below the directory if it is not there yet. */
  static LibraryFile unpack(byte[] content, String name, Path directory) {
    Path own = directory.resolve("native").resolve(sha256(content).substring(0, HASH_DIGITS));
    Path file = own.resolve(name);
    try {
      if (!isThere(file, content)) {
        write(content, file);
      }
    } catch (IOException e) {
      throw new SluiceException(
          "cannot unpack "
              + name
              + " to "
              + own
              + ": "
              + e
              + "; choose another directory with "
              + settings(),
          e);
    }
    return new LibraryFile(file);
  }

  /** Returns the words that name the setting, for messages. */
  static String settings() {
    return "-D" + DIRECTORY_PROPERTY + "=DIR or " + DIRECTORY_VARIABLE + "=DIR";
  }

  private static boolean isThere(Path file, byte[] content) throws IOException {
    if (!Files.exists(file)) {
      return false;
    }
    if (!Arrays.equals(Files.readAllBytes(file), content)) {
      throw new IOException("the file there has other content than its name says; delete it");
    }
    return true;
  }

  /** Two processes may do this at once: each renames the same content to the same name. */
  private static void write(byte[] content, Path file) throws IOException {
    Path own = file.toAbsolutePath().getParent();
    var onlyOurs =
        PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rwx------"));
    Files.createDirectories(own, onlyOurs);
    Path temporary = Files.createTempFile(own, "libsluice", ".tmp", onlyOurs);
    try {
      Files.write(temporary, content);
      try {
        Files.move(temporary, file, StandardCopyOption.ATOMIC_MOVE);
      } catch (AtomicMoveNotSupportedException e) {
        throw new IOException("the directory's file system cannot rename", e);
      }
    } finally {
      Files.deleteIfExists(temporary);
    }
  }

  private static byte[] content(String resource, String platform) {
    try (InputStream in = LibraryFile.class.getResourceAsStream(resource)) {
      if (in == null) {
        throw new SluiceException(
            "this build of Sluice has no native library for "
                + platform
                + "; build it there with vfs-native/build.sh and name it with -D"
                + LIBRARY_PROPERTY
                + "=FILE");
      }
      return in.readAllBytes();
    } catch (IOException e) {
      throw new SluiceException("cannot read " + resource + " from the jar", e);
    }
  }

  private static Path directory(Environment environment) {
    return Optional.ofNullable(System.getProperty(DIRECTORY_PROPERTY))
        .or(() -> environment.get(DIRECTORY_VARIABLE))
        .filter(text -> !text.isBlank())
        .map(Path::of)
        .orElseGet(
            () ->
                environment
                    .get("XDG_CACHE_HOME")
                    .filter(text -> Path.of(text).isAbsolute())
                    .map(Path::of)
                    .orElseGet(() -> Path.of(System.getProperty("user.home"), ".cache"))
                    .resolve("sluice"));
  }

  static String os(String name) {
    String lower = name.toLowerCase(Locale.ROOT);
    if (lower.startsWith("mac") || lower.startsWith("darwin")) {
      return "macos";
    }
    return lower.startsWith("linux") ? "linux" : lower.replaceAll("[^a-z0-9]+", "");
  }

  static String arch(String name) {
    String lower = name.toLowerCase(Locale.ROOT);
    return switch (lower) {
      case "amd64", "x86_64", "x64" -> "x86_64";
      case "aarch64", "arm64" -> "aarch64";
      default -> lower;
    };
  }

  private static String sha256(byte[] content) {
    try {
      return HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(content));
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException(e);
    }
  }
}
