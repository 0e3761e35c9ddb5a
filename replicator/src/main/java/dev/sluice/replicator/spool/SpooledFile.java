package dev.sluice.replicator.spool;

import dev.sluice.ltx.Txid;
import java.nio.file.Path;

/**
 * A level-0 LTX file in the spool. Immutable.
 *
 * @param txid its min and max TXID
 * @param bytes its size
 */
public record SpooledFile(Txid txid, Path path, long bytes) {}
