package dev.sluice.cache.restore;

import dev.sluice.cache.ReplicaOptions;
import dev.sluice.cache.store.StoreCopy;
import dev.sluice.ltx.Txid;
import java.io.FileNotFoundException;
import java.io.IOException;
import java.time.Duration;
import java.util.Optional;

/**
 * Writes what a replica's page store on this host holds into a database file, without a request:
 * the state of which the store is, whole or not at all, while whoever has it goes on. Immutable.
 */
public final class StoreRestorer {
  /** How long the pages of a transaction that has just come may be missing. */
  private static final Duration PATIENCE = Duration.ofSeconds(10);

  private final ReplicaOptions options;

  /** Takes whose store it is, and in which cache directory. */
  public StoreRestorer(ReplicaOptions options) {
    this.options = options;
  }

  /**
   * Restores into a place as {@link Restorer#restore(dev.sluice.storage.Target, DatabasePlace,
   * Restorer.Progress)} does.
   *
   * @throws FileNotFoundException if there is no store
   * @throws StoreCopy.IncompleteException if it does not hold the whole database
   * @throws IOException if it cannot be read, or the place not be written
   */
  public Restorer.Result restore(DatabasePlace place) throws IOException {
    Optional<StoreCopy> store =
        StoreCopy.of(options.storeFolder(), options.storeName(), options.store().path());
    if (store.isEmpty()) {
      throw new FileNotFoundException("there is no page store in " + options.storeFolder());
    }
    place.begin();
    try (StoreCopy copy = store.get();
        DatabaseFile database = new DatabaseFile(place.staging())) {
      database.setLength(0);
      StoreCopy.Copied copied =
          copy.copyTo(
              (pgno, page) -> database.write((pgno - 1) * page.length, page, 0, page.length),
              PATIENCE);
      long bytes = copied.commit() * copied.pageSize();
      database.setLength(bytes);
      database.sync();
      return new Restorer.Result(new Txid(copied.txid()), copied.commit(), bytes);
    }
  }
}
