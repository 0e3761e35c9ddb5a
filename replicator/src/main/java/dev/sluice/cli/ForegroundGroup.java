package dev.sluice.cli;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The process group that a terminal sends its Ctrl-C to: if it is ours, our children get it as we
 * do. Linux tells it in {@code /proc}, as an image of a container may have no {@code ps}.
 */
final class ForegroundGroup {
  private static final Logger log = LoggerFactory.getLogger(ForegroundGroup.class);
  private static final Path STAT = Path.of("/proc/self/stat");

  /** Of the fields after the command, which may hold blanks and ends with a parenthesis. */
  private static final int GROUP_FIELD = 2;

  private static final int FOREGROUND_GROUP_FIELD = 5;

  private ForegroundGroup() {}

  /** Returns whether this process is in the foreground of a terminal; false if nobody tells. */
  static boolean isOurs() throws InterruptedException {
    try {
      return Files.exists(STAT) ? isInForeground(Files.readString(STAT)) : ps();
    } catch (IOException e) {
      log.debug("the foreground's process group", e);
      return false;
    }
  }

  /** Takes what {@code /proc/PID/stat} holds, see proc(5). */
  static boolean isInForeground(String stat) {
    String[] fields = stat.substring(stat.lastIndexOf(')') + 1).strip().split(" ", -1);
    return fields[GROUP_FIELD].equals(fields[FOREGROUND_GROUP_FIELD]);
  }

  private static boolean ps() throws IOException, InterruptedException {
    String pid = String.valueOf(ProcessHandle.current().pid());
    Process ps = new ProcessBuilder("ps", "-o", "pgid=", "-o", "tpgid=", "-p", pid).start();
    String[] groups =
        new String(ps.getInputStream().readAllBytes(), StandardCharsets.US_ASCII)
            .strip()
            .split("\\s+", -1);
    return ps.waitFor() == 0 && groups.length == 2 && groups[0].equals(groups[1]);
  }
}
