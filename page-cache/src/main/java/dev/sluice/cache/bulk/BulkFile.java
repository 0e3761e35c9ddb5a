package dev.sluice.cache.bulk;

import dev.sluice.ltx.LtxEnds;
import dev.sluice.ltx.LtxHeader;
import dev.sluice.ltx.PageIndex;
import dev.sluice.storage.LtxFile;

/**
 * A file whose pages come, or are about to. Immutable.
 *
 * @param file as it was listed
 * @param ends what it holds, by its header and its page index: they agree with each other and with
 *     the file's name, and are not proved before {@link PageSink#proven}
 */
public record BulkFile(LtxFile file, LtxEnds ends) {

  public LtxHeader header() {
    return ends.header();
  }

  public PageIndex index() {
    return ends.index();
  }
}
