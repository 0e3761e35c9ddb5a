package dev.sluice.cache;

import dev.sluice.ltx.LtxEncoder;
import dev.sluice.ltx.Txid;
import dev.sluice.storage.LtxFileName;
import dev.sluice.testkit.S3Server;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Deque;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.SortedMap;
import java.util.TreeMap;

/**
 * A replica in a bucket that grows, shrinks, is compacted and loses its old files, and a model of
 * every state it ever had: for each page the TXID that wrote it, from which its bytes follow.
 *
 * <p>Thread-safe: what changes is under this object's private lock. Written by one thread.
 */
final class SoakHistory {
  static final int PAGE_SIZE = 1024;

  private static final int PAGES_MIN = 150;
  private static final int PAGES_MAX = 450;
  private static final int TXIDS_A_COMPACTION = 8;
  private static final int TXIDS_A_SNAPSHOT = 48;

  /** How many TXIDs a file of level 0 stays after a compaction has covered it. */
  private static final int LEVEL_ZERO_KEPT = 20;

  private static final int LEVEL_ONE_KEPT = 120;

  private final Object lock = new Object();
  private final String bucket;
  private final Random random;

  /** The TXID that wrote each page, from page 1 at 1; index 0 of the list is TXID 0. */
  private final List<int[]> states = new ArrayList<>(List.of(new int[1]));

  private final Map<LtxFileName, int[]> present = new HashMap<>();
  private final Deque<LtxFileName> leaving = new ArrayDeque<>();
  private int compacted;

  SoakHistory(String bucket, Random random) {
    this.bucket = bucket;
    this.random = random;
  }

  /** Returns the newest TXID, whose file may be on its way still. */
  int txid() {
    synchronized (lock) {
      return states.size() - 1;
    }
  }

  /** Returns the number of pages at a TXID. */
  int commit(long txid) {
    synchronized (lock) {
      return states.get((int) txid).length - 1;
    }
  }

  /** Returns the bytes of a page at a TXID. */
  byte[] page(long txid, int pgno) {
    synchronized (lock) {
      return bytes(pgno, states.get((int) txid)[pgno]);
    }
  }

  /**
   * Returns the files in the bucket from which a page of a view can be proven to be read, whatever
   * is known of the time after the view.
   *
   * @param bound the view's bound of the page
   */
  List<LtxFileName> sources(long txid, int pgno, Txid bound) {
    synchronized (lock) {
      int version = states.get((int) txid)[pgno];
      return present.entrySet().stream()
          .filter(file -> file.getValue().length > pgno && file.getValue()[pgno] == version)
          .map(Map.Entry::getKey)
          .filter(name -> name.range().max().value() <= txid)
          .filter(name -> !name.range().min().isAfter(bound))
          .filter(name -> !name.range().max().isBefore(bound))
          .toList();
    }
  }

  private static byte[] bytes(int pgno, int version) {
    byte[] bytes = new byte[PAGE_SIZE];
    new Random(pgno * 1_000_003L + version).nextBytes(bytes);
    // Half of it compresses.
    Arrays.fill(bytes, PAGE_SIZE / 2, PAGE_SIZE, (byte) version);
    return bytes;
  }

  /** Writes the next TXID, and compacts and deletes what is due by then. */
  int write() throws IOException {
    int[] last;
    synchronized (lock) {
      last = states.get(states.size() - 1);
    }
    int txid = states.size();
    int[] next = Arrays.copyOf(last, 1 + nextCommit(last.length - 1));
    for (int pgno = last.length; pgno < next.length; pgno++) {
      next[pgno] = txid;
    }
    for (int i = random.nextInt(8); i >= 0; i--) {
      next[1 + random.nextInt(next.length - 1)] = txid;
    }
    synchronized (lock) {
      states.add(next); // first: who reads the bucket sees the file as soon as it is there
    }
    put(0, txid, txid, next);
    if (txid % TXIDS_A_COMPACTION == 0) {
      put(1, compacted + 1, txid, next);
      compacted = txid;
    }
    if (txid % TXIDS_A_SNAPSHOT == 1) {
      put(LtxFileName.SNAPSHOT_LEVEL, 1, txid, next);
    }
    retain(txid);
    return txid;
  }

  private int nextCommit(int commit) {
    if (commit == 0) {
      return (PAGES_MIN + PAGES_MAX) / 2;
    }
    int wanted = random.nextInt(6) == 0 ? commit + random.nextInt(61) - 30 : commit;
    return Math.max(PAGES_MIN, Math.min(PAGES_MAX, wanted));
  }

  /** Puts the file of what changed from {@code min} to {@code max}, whose state is given. */
  private void put(int level, int min, int max, int[] state) throws IOException {
    SortedMap<Integer, Integer> changed = new TreeMap<>();
    for (int pgno = 1; pgno < state.length; pgno++) {
      if (state[pgno] >= min) {
        changed.put(pgno, state[pgno]);
      }
    }
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    try (LtxEncoder encoder =
        new LtxEncoder(out, TestReplicas.header(PAGE_SIZE, state.length - 1, min, max))) {
      for (var page : changed.entrySet()) {
        encoder.page(page.getKey(), bytes(page.getKey(), page.getValue()));
      }
      encoder.finish();
    }
    LtxFileName name = new LtxFileName(level, TestReplicas.header(PAGE_SIZE, 1, min, max).range());
    S3Server.shared().put(bucket, key(name), out.toByteArray());
    int[] held = new int[state.length];
    changed.forEach((pgno, version) -> held[pgno] = version);
    synchronized (lock) {
      present.put(name, held);
    }
    leaving.add(name);
  }

  private void retain(int txid) {
    for (LtxFileName name : List.copyOf(leaving)) {
      long max = name.range().max().value();
      int level = name.level();
      boolean isDue =
          level == 0
              ? max <= compacted && max + LEVEL_ZERO_KEPT < txid
              : max + LEVEL_ONE_KEPT < txid;
      if (isDue) {
        leaving.remove(name);
        synchronized (lock) {
          present.remove(name);
        }
        S3Server.shared().delete(bucket, key(name));
      }
    }
  }

  private static String key(LtxFileName name) {
    return "db/%04x/%s.ltx".formatted(name.level(), name.range());
  }

  /** Returns a TXID of the last {@code count}. */
  static Txid someTxid(int newest, int count, Random random) {
    return new Txid(Math.max(1, newest - random.nextInt(count)));
  }
}
