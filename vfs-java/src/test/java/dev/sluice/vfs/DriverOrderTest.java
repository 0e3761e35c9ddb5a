package dev.sluice.vfs;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sluice.testkit.Golden;
import java.io.File;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * A fresh JVM that has only the class path: {@link java.sql.DriverManager} finds the drivers in its
 * order.
 */
class DriverOrderTest {

  @ParameterizedTest
  @ValueSource(booleans = {true, false})
  void eitherDriverMayStandFirst(boolean isSqliteFirst, @TempDir Path dir) throws Exception {
    Golden golden = Golden.named("small-4096");
    Path replica = golden.copyTo(dir.resolve("replica"));
    List<String> entries =
        new ArrayList<>(List.of(System.getProperty("java.class.path").split(File.pathSeparator)));
    List<String> sqlite = entries.stream().filter(entry -> entry.contains("sqlite-jdbc")).toList();
    assertNotEquals(List.of(), sqlite);
    entries.removeAll(sqlite);
    String classPath =
        String.join(
            File.pathSeparator,
            (isSqliteFirst
                    ? Stream.concat(sqlite.stream(), entries.stream())
                    : Stream.concat(entries.stream(), sqlite.stream()))
                .toList());
    String url = "jdbc:sqlite:file:db?vfs=litestream&mode=ro&replica_url=";
    assertEquals("ok " + golden.images().lastKey(), run(classPath, dir, url + replica));
    String failed = run(classPath, dir, url + "gopher://nowhere");
    assertTrue(failed.contains("CANTOPEN") && failed.contains("gopher"), failed);
  }

  /** Returns the last line that the program prints. */
  private static String run(String classPath, Path dir, String url) throws Exception {
    Process process =
        new ProcessBuilder(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-D" + LibraryFile.DIRECTORY_PROPERTY + "=" + dir.resolve("unpacked"),
                "-D"
                    + LibraryFile.LIBRARY_PROPERTY
                    + "="
                    + System.getProperty(LibraryFile.LIBRARY_PROPERTY, ""),
                "-cp",
                classPath,
                OpenByDriver.class.getName(),
                url)
            .redirectErrorStream(true)
            .start();
    String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    process.waitFor(60, TimeUnit.SECONDS);
    return output.strip().lines().reduce((a, b) -> b).orElse("");
  }
}
