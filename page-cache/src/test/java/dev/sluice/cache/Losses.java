package dev.sluice.cache;

import dev.sluice.ltx.Txid;
import dev.sluice.storage.LtxFile;
import dev.sluice.storage.history.MemoryReplica;
import dev.sluice.storage.history.PageHistory;
import dev.sluice.storage.history.WholeFile;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/**
 * Says whether a page that could not be read is truly lost, by looking into every file that there
 * is. Confined to one thread.
 */
final class Losses {
  private final MemoryReplica storage;
  private final PageHistory history;

  /** Why a page cannot be read. */
  enum Loss {
    /** No file holds that version of the page. */
    LOST,
    /** Files hold it, and no listing shows them yet. */
    UNLISTED,
    /**
     * A file holds it that ends after the view, and the page was written again since: what was
     * written until the end of that file is not known any more.
     */
    UNPROVEN,
    /** It can be read: the failure is wrong. */
    NONE
  }

  Losses(MemoryReplica storage, PageHistory history) {
    this.storage = storage;
    this.history = history;
  }

  /** Returns why a page of a view cannot be read, while the latest view is another perhaps. */
  Loss of(View view, long pgno, Optional<View> latest) {
    int file = view.pages().frame(pgno).file();
    if (file == Rescued.FILE) {
      return Loss.NONE;
    }
    Txid bound = view.pages().bound(pgno);
    int writer = history.writer(view.txid(), pgno);
    List<LtxFile> holders =
        storage.files().stream()
            .filter(each -> !each.name().range().min().isAfter(bound))
            .filter(each -> !each.name().range().max().isBefore(bound))
            .filter(each -> history.writer(each.name().range().max(), pgno) == writer)
            .filter(each -> holds(each, pgno))
            .toList();
    if (holders.isEmpty()) {
      return Loss.LOST;
    }
    Set<LtxFile> listed = new HashSet<>(storage.listed());
    List<LtxFile> known = holders.stream().filter(listed::contains).toList();
    if (known.isEmpty()) {
      return Loss.UNLISTED;
    }
    Txid end =
        latest
            .filter(newest -> newest.pages().contains(pgno))
            .filter(newest -> !newest.pages().bound(pgno).isAfter(view.txid()))
            .map(View::txid)
            .orElse(view.txid());
    boolean isProven = known.stream().anyMatch(each -> !each.name().range().max().isAfter(end));
    return isProven ? Loss.NONE : Loss.UNPROVEN;
  }

  private boolean holds(LtxFile file, long pgno) {
    return WholeFile.decode(storage.content(file.name()).orElseThrow()).pages().containsKey(pgno);
  }
}
