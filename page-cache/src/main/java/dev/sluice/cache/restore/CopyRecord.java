package dev.sluice.cache.restore;

import dev.sluice.cache.KnownFile;
import dev.sluice.ltx.Txid;
import dev.sluice.ltx.TxidRange;
import dev.sluice.storage.LtxFile;
import dev.sluice.storage.LtxFileName;
import java.io.FileOutputStream;
import java.io.IOException;
import java.net.URLDecoder;
import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Collectors;

/**
 * What is known of a followed copy, in a file beside it: {@code <copy>-follow}.
 *
 * <pre>
 * sluice follow 1
 * from TXID COUNTER MASK          the state before the last transaction
 * to   TXID COUNTER MASK          the state after it
 * file LEVEL RANGE SIZE CREATED VERSION TIMESTAMP CHECKSUM
 * </pre>
 *
 * <p>It is written before each transaction, never after it, and names the states on both sides;
 * page 1 of the copy, which changes with the transaction or not at all, tells which of the two it
 * is. So it speaks the truth whenever it is read. The files are the newest that were applied or
 * seen: one that the replica still holds proves that it is the same replica. Immutable.
 *
 * @param from the state before
 * @param to the state after, or the same
 * @param files the newest of each level are kept
 */
record CopyRecord(CopyState from, CopyState to, List<KnownFile> files) {
  private static final String SUFFIX = "-follow";
  private static final String FIRST_LINE = "sluice follow 1";
  private static final int FILES_A_LEVEL = 4;

  private static final Comparator<KnownFile> NEWEST_FIRST =
      Comparator.<KnownFile, Txid>comparing(known -> known.file().name().range().max()).reversed();

  CopyRecord {
    files = newest(files);
  }

  /** Of each level the newest, and of one file the last that is known. */
  private static List<KnownFile> newest(List<KnownFile> files) {
    Map<LtxFileName, KnownFile> byName = new LinkedHashMap<>();
    for (KnownFile known : files) {
      KnownFile before = byName.remove(known.file().name());
      boolean tellsMore =
          before != null
              && before.content().isPresent()
              && known.content().isEmpty()
              && before.file().equals(known.file());
      byName.put(known.file().name(), tellsMore ? before : known);
    }
    return byName.values().stream()
        .collect(Collectors.groupingBy(known -> known.file().name().level()))
        .values()
        .stream()
        .flatMap(level -> level.stream().sorted(NEWEST_FIRST).limit(FILES_A_LEVEL))
        .toList();
  }

  static Path beside(Path copy) {
    return copy.resolveSibling(copy.getFileName() + SUFFIX);
  }

  /** Returns the record of the state that the copy is in, as its page 1 tells. */
  Optional<CopyState> stateOf(byte[] pageOne) {
    if (to.is(pageOne)) {
      return Optional.of(to);
    }
    return from.is(pageOne) ? Optional.of(from) : Optional.empty();
  }

  /** Writes it in place of the one before; lasts when this returns. */
  void write(Path copy) throws IOException {
    StringBuilder text = new StringBuilder(FIRST_LINE).append('\n');
    text.append("from ").append(line(from)).append("to ").append(line(to));
    files.forEach(known -> text.append("file ").append(line(known)));
    Path record = beside(copy);
    Path temporary = record.resolveSibling(record.getFileName() + ".new");
    try (FileOutputStream out = new FileOutputStream(temporary.toFile())) {
      out.write(text.toString().getBytes(StandardCharsets.UTF_8));
      out.getFD().sync();
    }
    DatabasePlace.moveOver(temporary, record);
    DatabasePlace.syncFolderOf(record);
  }

  private static String line(CopyState state) {
    return state.txid()
        + " "
        + Integer.toHexString(state.counter())
        + " "
        + Integer.toHexString(state.cookieMask())
        + "\n";
  }

  private static String line(KnownFile known) {
    LtxFile file = known.file();
    return String.join(
            " ",
            Integer.toString(file.name().level()),
            file.name().range().min().toString(),
            file.name().range().max().toString(),
            Long.toString(file.size()),
            Long.toString(file.created().toEpochMilli()),
            URLEncoder.encode(file.version(), StandardCharsets.UTF_8),
            known.content().map(content -> Long.toString(content.timestampMillis())).orElse("-"),
            known.content().map(content -> Long.toHexString(content.fileChecksum())).orElse("-"))
        + "\n";
  }

  /**
   * Reads it.
   *
   * @throws CopyException if it is not such a file
   */
  static CopyRecord read(Path copy) throws IOException {
    Path record = beside(copy);
    List<String> lines = Files.readAllLines(record, StandardCharsets.UTF_8);
    try {
      if (lines.size() < 3 || !lines.get(0).equals(FIRST_LINE)) {
        throw new IllegalArgumentException("another first line");
      }
      List<KnownFile> files = new ArrayList<>();
      for (String line : lines.subList(3, lines.size())) {
        files.add(file(line.split(" ", -1)));
      }
      return new CopyRecord(state(lines.get(1)), state(lines.get(2)), files);
    } catch (RuntimeException e) {
      throw new CopyException(
          record + " is not what a followed copy has beside it: " + e.getMessage());
    }
  }

  private static CopyState state(String line) {
    String[] words = line.split(" ", -1);
    return new CopyState(
        Txid.parse(words[1]),
        Integer.parseUnsignedInt(words[2], 16),
        Integer.parseUnsignedInt(words[3], 16));
  }

  private static KnownFile file(String[] words) {
    TxidRange range = new TxidRange(Txid.parse(words[2]), Txid.parse(words[3]));
    LtxFile file =
        new LtxFile(
            new LtxFileName(Integer.parseInt(words[1]), range),
            Long.parseLong(words[4]),
            Instant.ofEpochMilli(Long.parseLong(words[5])),
            URLDecoder.decode(words[6], StandardCharsets.UTF_8));
    return words[7].equals("-")
        ? new KnownFile(file, Optional.empty())
        : KnownFile.read(file, Long.parseLong(words[7]), Long.parseUnsignedLong(words[8], 16));
  }
}
