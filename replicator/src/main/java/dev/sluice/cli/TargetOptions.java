package dev.sluice.cli;

import dev.sluice.ltx.Txid;
import dev.sluice.storage.Target;
import dev.sluice.storage.text.Times;
import java.time.Instant;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;

/**
 * The two options that choose a state of the database; without either it is the newest. Confined to
 * one thread at a time.
 */
final class TargetOptions {

  @Option(
      names = {"--txid", "-txid"},
      paramLabel = "TXID",
      description = "The state after this TXID, 1 to 16 hex digits.")
  private @Nullable Txid txid;

  @Option(
      names = {"--timestamp", "-timestamp"},
      paramLabel = "TIME",
      description =
          "The newest state before this time: 2026-11-20T10:00:00Z, \"5 minutes ago\", LATEST.")
  private @Nullable String timestamp;

  /**
   * Returns the state that was chosen.
   *
   * @throws ParameterException if both options are given, or the time is not one
   */
  Target target(CommandLine command, Instant now) {
    if (txid != null && timestamp != null) {
      throw new ParameterException(command, "--txid and --timestamp exclude each other");
    }
    if (txid != null) {
      return new Target.AtTxid(txid);
    }
    if (timestamp == null) {
      return new Target.Latest();
    }
    try {
      return Times.parse(timestamp, now);
    } catch (IllegalArgumentException e) {
      throw new ParameterException(command, "--timestamp: " + e.getMessage(), e);
    }
  }
}
