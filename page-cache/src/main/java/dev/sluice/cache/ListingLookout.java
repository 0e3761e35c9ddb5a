package dev.sluice.cache;

import dev.sluice.ltx.Txid;
import dev.sluice.storage.Deadline;
import dev.sluice.storage.Listings;
import dev.sluice.storage.LtxFile;
import dev.sluice.storage.LtxFileName;
import dev.sluice.storage.ReplicaClient;
import dev.sluice.storage.RequestMeter;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.concurrent.CompletableFuture;
import java.util.function.LongSupplier;

/**
 * Learns of new files by LIST: of levels 0 and 1, where new TXIDs appear, each from its newest
 * known file on, so that the answers are short and hold a file that is known already if the replica
 * is still the same.
 *
 * <p>Where neither holds the newest TXID (what is left is a snapshot, or nobody writes them) the
 * lowest level that does is listed too. What is in none of them is found when the whole replica is
 * listed. Confined to one thread at a time, {@link #learn} excepted, which any may call.
 */
final class ListingLookout implements Lookout {
  private final RequestMeter meter;
  private final LongSupplier ticker;
  private final Object lock = new Object();

  /** The newest known min of each level; the first TXID where no file is known. */
  private final Txid[] newestMin = new Txid[LtxFileName.SNAPSHOT_LEVEL + 1];

  private final Txid[] newestMax = new Txid[LtxFileName.SNAPSHOT_LEVEL + 1];

  ListingLookout(RequestMeter meter, LongSupplier ticker) {
    this.meter = meter;
    this.ticker = ticker;
    forget();
  }

  private void forget() {
    Arrays.fill(newestMin, Txid.FIRST);
    Arrays.fill(newestMax, Txid.NONE);
  }

  @Override
  public News look(ReplicaClient client, Deadline deadline) throws IOException {
    long askedNanos = ticker.getAsLong();
    meter.beginRound();
    List<CompletableFuture<List<LtxFile>>> requests = new ArrayList<>();
    List<LtxFile> files = new ArrayList<>();
    try {
      watched().forEach((level, from) -> requests.add(client.list(level, from)));
      for (CompletableFuture<List<LtxFile>> request : requests) {
        files.addAll(Waits.await(request, deadline, "list " + client.location()));
      }
    } finally {
      requests.forEach(request -> request.cancel(true));
    }
    return new News(files, false, askedNanos);
  }

  @Override
  public News lookAtAll(ReplicaClient client, Deadline deadline) throws IOException {
    long askedNanos = ticker.getAsLong();
    meter.beginRound();
    CompletableFuture<List<LtxFile>> request = Listings.all(client);
    try {
      return new News(
          Waits.await(request, deadline, "list " + client.location()), true, askedNanos);
    } finally {
      request.cancel(true);
    }
  }

  /** Returns the levels to list, each with the TXID to list it from. */
  private SortedMap<Integer, Txid> watched() {
    SortedMap<Integer, Txid> watched = new TreeMap<>();
    synchronized (lock) {
      int newest = 0;
      for (int level = 1; level < newestMax.length; level++) {
        newest = newestMax[level].isAfter(newestMax[newest]) ? level : newest;
      }
      watched.put(0, newestMin[0]);
      watched.put(1, newestMin[1]);
      watched.put(newest, newestMin[newest]);
    }
    return watched;
  }

  /** After a complete listing a level that has become empty is listed from its beginning again. */
  @Override
  public void learn(List<LtxFile> files, boolean isComplete) {
    synchronized (lock) {
      if (isComplete) {
        forget();
      }
      for (LtxFile file : files) {
        int level = file.name().level();
        newestMin[level] = later(newestMin[level], file.name().range().min());
        newestMax[level] = later(newestMax[level], file.name().range().max());
      }
    }
  }

  private static Txid later(Txid one, Txid other) {
    return other.isAfter(one) ? other : one;
  }
}
