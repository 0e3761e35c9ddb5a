package dev.sluice.replicator.config;

/** What a key's value must be. */
enum Kind {
  TEXT,
  /** A text that no message may show. */
  SECRET,
  DURATION,
  /** A duration of a millisecond or more. */
  POSITIVE_DURATION,
  SIZE,
  /** A whole number, 0 or more. */
  COUNT,
  /** A whole number, 1 or more. */
  POSITIVE_COUNT,
  /** A whole number. */
  INTEGER,
  /** A file's mode in octal. */
  MODE,
  FLAG,
  /** A list of texts, or one text. */
  TEXTS,
  /** A mapping with keys of its own. */
  SECTION,
  /** A list of them. */
  SECTIONS
}
