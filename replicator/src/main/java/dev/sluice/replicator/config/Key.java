package dev.sluice.replicator.config;

/**
 * A key that may stand in a scope. Immutable.
 *
 * @param reason why it has no effect, or is refused; empty if it is honoured
 * @param isOurs whether Litestream does not know it
 */
record Key(Scope scope, String name, Kind kind, Effect effect, String reason, boolean isOurs) {

  /** Returns the name with that of the small section it stands in, as {@code logging.level}. */
  String path() {
    return switch (scope) {
      case TOP, DATABASE, REPLICA -> name;
      default -> scope + "." + name;
    };
  }
}
