package dev.sluice.cache.restore;

/** What a step of a followed copy has just done: the points at which a crash makes a difference. */
public enum CopyStep {
  /** The record names the states on both sides. */
  RECORDED,
  /** What the pages were is in the journal, and synced. */
  JOURNALED,
  /** No reader is left. */
  LOCKED,
  /** A page has its new content. */
  PAGE_WRITTEN,
  /** The database is written, has its new size, and is synced. */
  WRITTEN,
  /** The journal is deleted. */
  COMMITTED
}
