package dev.sluice.replicator.config;

/** A mapping of the file, as the place of keys. */
enum Scope {
  TOP("the top level"),
  DATABASE("dbs[]"),
  REPLICA("replica"),
  SOCKET("socket"),
  LEVEL("levels[]"),
  SNAPSHOT("snapshot"),
  VALIDATION("validation"),
  RETENTION("retention"),
  LOGGING("logging"),
  AGE("age");

  private final String text;

  Scope(String text) {
    this.text = text;
  }

  /** Returns what messages and the documentation call it. */
  @Override
  public String toString() {
    return text;
  }
}
