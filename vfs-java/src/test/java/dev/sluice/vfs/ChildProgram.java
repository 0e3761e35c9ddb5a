package dev.sluice.vfs;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** Starts a program of these tests in a JVM of its own. */
final class ChildProgram {
  private ChildProgram() {}

  /** Starts it with this test's classes and library; what it says of errors is in its output. */
  static Process start(Path folder, Class<?> program, String... arguments) throws IOException {
    return start(folder, List.of(), program, arguments);
  }

  /** As the other, by a command before it. */
  static Process start(Path folder, List<String> before, Class<?> program, String... arguments)
      throws IOException {
    List<String> command = new ArrayList<>(before);
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    command.addAll(List.of("-Xmx256m", "-XX:TieredStopAtLevel=1", "-XX:-UsePerfData"));
    if (Runtime.version().feature() >= 24) {
      command.add("--enable-native-access=ALL-UNNAMED"); // else the JVM warns
    }
    for (String property : List.of(LibraryFile.DIRECTORY_PROPERTY, LibraryFile.LIBRARY_PROPERTY)) {
      command.add("-D" + property + "=" + System.getProperty(property, ""));
    }
    command.addAll(List.of("-cp", System.getProperty("java.class.path"), program.getName()));
    command.addAll(List.of(arguments));
    ProcessBuilder builder = new ProcessBuilder(command);
    builder.environment().remove("JAVA_TOOL_OPTIONS"); // the JVM prints that it saw them
    return builder.directory(folder.toFile()).redirectErrorStream(true).start();
  }
}
