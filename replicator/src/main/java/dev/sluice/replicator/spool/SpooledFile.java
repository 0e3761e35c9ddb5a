package dev.sluice.replicator.spool;

import dev.sluice.ltx.Txid;
import java.nio.file.Path;

/**
 * A level-0 LTX file in the spool. Immutable.
 *
 * @param txid its min and max TXID
 * @param bytes its size
 * @param pageSize of its pages; that of the file before may be another one only if this is an image
 * @param isImage whether it has all pages of the database
 */
public record SpooledFile(Txid txid, Path path, long bytes, int pageSize, boolean isImage) {}
