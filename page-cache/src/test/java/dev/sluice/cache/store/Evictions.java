package dev.sluice.cache.store;

/** Has pages go from a store as if there were no room. */
public final class Evictions {
  private Evictions() {}

  /** Returns how many pages took a place in the extent, counted from 0, and do not now. */
  public static int evict(PageStore store, long extent) {
    return store.evict(extent);
  }
}
