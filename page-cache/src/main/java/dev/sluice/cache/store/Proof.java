package dev.sluice.cache.store;

/** What is known of a page beside that its frame decoded to it. */
public enum Proof {
  /** Nothing: it came by a range of its file. */
  NONE(0),

  /** It came with the whole of its file, which is still being read. */
  PENDING(1),

  /** The checksum of its whole file was right. */
  PROVEN(2);

  /** How it stands in a sum. */
  final int number;

  Proof(int number) {
    this.number = number;
  }

  /** Returns the proof of a number; of one that there is not, none. */
  static Proof of(int number) {
    return number == PENDING.number ? PENDING : number == PROVEN.number ? PROVEN : NONE;
  }
}
