package dev.sluice.cli;

/** The program. */
public final class Main {

  private Main() {}

  /** Runs one command and ends the process: 0 done, 1 failed, 2 wrong usage. */
  public static void main(String[] args) {
    System.exit(new Cli(Terminal.ofProcess()).run(args));
  }
}
