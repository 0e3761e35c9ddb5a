package dev.sluice.cli;

import java.io.IOException;
import java.io.InputStream;
import java.util.Properties;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;

/** {@code sluice version}: what this build is made of. Loads neither SQLite nor a storage. */
@Command(
    name = "version",
    customSynopsis = "sluice version",
    description = "Show the versions of Sluice, SQLite and Java.")
final class VersionCommand implements Callable<Integer> {
  private final Terminal terminal;

  VersionCommand(Terminal terminal) {
    this.terminal = terminal;
  }

  @Override
  public Integer call() throws IOException {
    Properties versions = versions();
    terminal.out().println("Sluice " + versions.getProperty("sluice"));
    terminal.out().println("SQLite " + sqlite(versions.getProperty("sqlite-jdbc")));
    terminal.out().println("Java " + Runtime.version());
    return ExitCode.DONE;
  }

  private static Properties versions() throws IOException {
    Properties versions = new Properties();
    try (InputStream in = VersionCommand.class.getResourceAsStream("version.properties")) {
      versions.load(in);
    }
    return versions;
  }

  /** Returns Sluice's own version. */
  static String ownVersion() throws IOException {
    return versions().getProperty("sluice");
  }

  /** sqlite-jdbc counts its own releases of one SQLite in a fourth number. */
  private static String sqlite(String sqliteJdbc) {
    return sqliteJdbc.replaceFirst("^(\\d+\\.\\d+\\.\\d+)\\..*", "$1");
  }
}
