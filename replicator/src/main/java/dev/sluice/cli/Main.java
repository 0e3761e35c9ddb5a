package dev.sluice.cli;

/** The program. */
public final class Main {
  /** Of the S3 client's Netty: newer JVMs print warnings when it uses sun.misc.Unsafe. */
  private static final String NETTY_NO_UNSAFE = "io.netty.noUnsafe";

  private Main() {}

  /** Runs one command and ends the process: 0 done, 1 failed, 2 wrong usage. */
  public static void main(String[] args) {
    if (System.getProperty(NETTY_NO_UNSAFE) == null) {
      System.setProperty(NETTY_NO_UNSAFE, "true");
    }
    System.exit(new Cli(Terminal.ofProcess()).run(args));
  }
}
