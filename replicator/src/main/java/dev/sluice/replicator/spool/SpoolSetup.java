package dev.sluice.replicator.spool;

import java.time.InstantSource;

/**
 * What a spool is given. Immutable.
 *
 * @param clock for the timestamps of cuts, which never go back even if it does
 * @param steps hears of each step
 */
public record SpoolSetup(InstantSource clock, SpoolStep.Listener steps) {

  /** Returns the setup of a spool to whose steps nobody listens. */
  public static SpoolSetup of(InstantSource clock) {
    return new SpoolSetup(clock, step -> {});
  }
}
