package dev.sluice.ltx;

/**
 * What a compaction has written and read. Immutable.
 *
 * @param header the header of the file that was written
 * @param trailer its trailer
 * @param pageCount its pages
 * @param bytes its size
 * @param inputPageCount the pages of all inputs, each version of a page counted
 * @param inputBytes the size of all inputs
 */
public record Compaction(
    LtxHeader header,
    LtxTrailer trailer,
    long pageCount,
    long bytes,
    long inputPageCount,
    long inputBytes) {}
