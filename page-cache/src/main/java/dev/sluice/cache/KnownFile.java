package dev.sluice.cache;

import dev.sluice.storage.LtxFile;

/**
 * A file that was read to its end and verified, with what its content is known by. Immutable.
 *
 * @param file as it was listed
 * @param timestampMillis when it was made, by its header
 * @param fileChecksum the checksum of all of it, by its trailer
 */
public record KnownFile(LtxFile file, long timestampMillis, long fileChecksum) {}
