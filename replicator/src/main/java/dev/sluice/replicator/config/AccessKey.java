package dev.sluice.replicator.config;

/**
 * The credentials of one replica. Immutable.
 *
 * @param id the access key's id
 * @param secret the secret access key
 */
public record AccessKey(String id, String secret) {

  /** Returns nothing of either. */
  @Override
  public String toString() {
    return "AccessKey";
  }
}
