package dev.sluice.ltx;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.SortedMap;
import java.util.TreeMap;

/**
 * A database that grows, shrinks, is deleted and comes back at random, as one file a TXID, with and
 * without database checksums. Grows with each step.
 */
final class RandomHistory {
  static final int PAGE_SIZE = 512;
  private static final int COMMIT_MAX = 40;

  private final Random random;
  private final SortedMap<Long, byte[]> pages = new TreeMap<>();
  private final List<byte[]> files = new ArrayList<>();
  private final List<SortedMap<Long, byte[]>> states = new ArrayList<>();

  RandomHistory(Random random) {
    this.random = random;
  }

  /** Returns the file of each TXID, from 1 on. */
  List<byte[]> files() {
    return files;
  }

  /** Returns the database as it is behind the file with this number; empty before the first. */
  SortedMap<Long, byte[]> state(int file) {
    return file < 0 ? new TreeMap<>() : states.get(file);
  }

  void step() throws IOException {
    long before = LtxFiles.databaseChecksum(pages);
    long commit = nextCommit(pages.size());
    SortedMap<Long, byte[]> changed = new TreeMap<>();
    for (long pgno = 1; pgno <= commit; pgno++) {
      boolean isRewritten = files.isEmpty() || random.nextInt(4) == 0;
      if (isRewritten || pgno > pages.size()) {
        changed.put(pgno, page());
      }
    }
    pages.putAll(changed);
    pages.tailMap(commit + 1).clear();
    files.add(encode(commit, changed, before));
    states.add(new TreeMap<>(pages));
  }

  private long nextCommit(int commit) {
    return switch (random.nextInt(12)) {
      case 0 -> 0;
      case 1, 2, 3 -> random.nextInt(commit + 1);
      case 4, 5, 6 -> Math.min(COMMIT_MAX, commit + random.nextInt(12));
      default -> commit;
    };
  }

  private byte[] page() {
    byte[] page = new byte[PAGE_SIZE];
    byte[] noise = new byte[random.nextInt(PAGE_SIZE + 1)];
    random.nextBytes(noise);
    System.arraycopy(noise, 0, page, 0, noise.length);
    return page;
  }

  private byte[] encode(long commit, SortedMap<Long, byte[]> changed, long before)
      throws IOException {
    long txid = files.size() + 1L;
    LtxHeader plain = LtxHeader.of(PAGE_SIZE, commit, LtxFiles.range(txid, txid), 1_000 + txid);
    if (random.nextBoolean()) {
      return LtxFiles.encode(plain, changed, 0);
    }
    LtxHeader summed =
        new LtxHeader(
            0,
            PAGE_SIZE,
            commit,
            plain.range(),
            plain.timestampMillis(),
            txid == 1 ? 0 : before,
            32,
            4152,
            7,
            8,
            9);
    return LtxFiles.encode(summed, changed, LtxFiles.databaseChecksum(pages));
  }
}
