package dev.sluice.replicator.control;

import org.jspecify.annotations.Nullable;

/**
 * How far one database is, as {@code sluice status} shows it; what is not known is missing.
 * Immutable.
 *
 * @param status what is being done, in lower case
 * @param localTxid 16 hex digits of the newest TXID captured
 * @param replicaTxid 16 hex digits of the newest TXID that the replica has
 * @param lagSeconds how long the oldest commit waits that the replica does not have
 * @param lagTxids how many TXIDs the replica does not have
 * @param spoolBytes what of the spool the replica does not have
 * @param walBytes the size of the database's WAL
 * @param lastSyncAt when the replica last had everything, RFC 3339
 * @param trouble why it does not go on
 */
public record DatabaseReport(
    String database,
    @Nullable String replica,
    String status,
    @Nullable String localTxid,
    @Nullable String replicaTxid,
    @Nullable Double lagSeconds,
    @Nullable Long lagTxids,
    @Nullable Long spoolBytes,
    @Nullable Long walBytes,
    @Nullable String lastSyncAt,
    @Nullable String trouble) {}
