package dev.sluice.replicator.metrics;

import dev.sluice.storage.RequestMeter;

/**
 * What requests cost, roughly: Amazon S3 Standard in us-east-1, US dollars, for requests alone. Not
 * for an invoice: storage and traffic cost, too, a large file takes several requests, and other
 * storages have other prices.
 */
final class Prices {
  /** Of one PUT or LIST: 0.005 for a thousand. A DELETE is free. */
  static final double WRITE_USD = 0.005 / 1000;

  /** Of one GET or HEAD: 0.0004 for a thousand. */
  static final double READ_USD = 0.0004 / 1000;

  private Prices() {}

  /** Returns what requests have cost; nothing where the replica is a directory. */
  static double usd(String scheme, RequestMeter.Snapshot requests) {
    return scheme.equals("file")
        ? 0
        : WRITE_USD * (requests.puts() + requests.lists())
            + READ_USD * (requests.gets() + requests.heads());
  }
}
