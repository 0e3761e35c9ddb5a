package dev.sluice.vfs;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sluice.storage.Environment;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Optional;
import java.util.Properties;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class LibraryFileTest {
  private static final byte[] CONTENT = "a library".getBytes(StandardCharsets.UTF_8);

  @TempDir Path dir;

  @Test
  void isUnpackedPrivatelyUnderItsHash() throws IOException {
    Path file = LibraryFile.unpack(CONTENT, "libsluice.so", dir).path();
    assertArrayEquals(CONTENT, Files.readAllBytes(file));
    assertEquals(
        "rwx------",
        PosixFilePermissions.toString(Files.getPosixFilePermissions(file.getParent())));
    assertNotEquals(file, LibraryFile.unpack(new byte[] {1}, "libsluice.so", dir).path());
    try (Stream<Path> beside = Files.list(file.getParent())) {
      assertEquals(1, beside.count());
    }
  }

  @Test
  void isNeverWrittenAgain() throws IOException {
    Path file = LibraryFile.unpack(CONTENT, "libsluice.so", dir).path();
    FileTime longAgo = FileTime.fromMillis(1_000_000);
    Files.setLastModifiedTime(file, longAgo);
    assertEquals(file, LibraryFile.unpack(CONTENT, "libsluice.so", dir).path());
    assertEquals(longAgo, Files.getLastModifiedTime(file));
  }

  @Test
  void otherContentUnderItsNameIsRefused() throws IOException {
    Path file = LibraryFile.unpack(CONTENT, "libsluice.so", dir).path();
    Files.write(file, new byte[] {6, 6, 6});
    SluiceException e =
        assertThrows(SluiceException.class, () -> LibraryFile.unpack(CONTENT, "libsluice.so", dir));
    assertTrue(String.valueOf(e.getMessage()).contains("other content"), e.getMessage());
    assertArrayEquals(new byte[] {6, 6, 6}, Files.readAllBytes(file));
  }

  @Test
  void directoryThatCannotBeWrittenIsOneLineThatNamesTheSetting() throws IOException {
    Path file = Files.createFile(dir.resolve("file"));
    SluiceException e =
        assertThrows(
            SluiceException.class, () -> LibraryFile.unpack(CONTENT, "libsluice.so", file));
    assertTrue(String.valueOf(e.getMessage()).contains("-Dsluice.native.dir"), e.getMessage());
    assertFalse(String.valueOf(e.getMessage()).contains("\n"));
  }

  @Test
  void platformsAreNamedAsTheBuildNamesThem() {
    assertEquals("linux-x86_64", LibraryFile.os("Linux") + "-" + LibraryFile.arch("amd64"));
    assertEquals("macos-aarch64", LibraryFile.os("Mac OS X") + "-" + LibraryFile.arch("aarch64"));
    assertEquals("windows11", LibraryFile.os("Windows 11"));
  }

  @Test
  void variableChoosesTheDirectoryAndPropertyWins() {
    Properties before = System.getProperties();
    Environment variable =
        name -> name.equals("SLUICE_NATIVE_DIR") ? Optional.of(dir.toString()) : Optional.empty();
    try {
      Properties changed = new Properties();
      changed.putAll(before);
      changed.remove(LibraryFile.LIBRARY_PROPERTY);
      changed.remove(LibraryFile.DIRECTORY_PROPERTY);
      System.setProperties(changed);
      assertTrue(LibraryFile.unpack(variable).path().startsWith(dir.resolve("native")));
      System.setProperty(LibraryFile.DIRECTORY_PROPERTY, dir.resolve("p").toString());
      assertTrue(LibraryFile.unpack(variable).path().startsWith(dir.resolve("p")));
      System.setProperty(LibraryFile.LIBRARY_PROPERTY, "/lib/own.so");
      assertEquals(Path.of("/lib/own.so"), LibraryFile.unpack(variable).path());
    } finally {
      System.setProperties(before);
    }
  }
}
