package dev.sluice.replicator.levels;

import dev.sluice.ltx.CompactionException;
import dev.sluice.ltx.Txid;
import dev.sluice.ltx.TxidRange;
import dev.sluice.replicator.upload.ReplicaWriter;
import dev.sluice.replicator.upload.SecondWriterException;
import dev.sluice.storage.LtxFile;
import dev.sluice.storage.LtxFileName;
import dev.sluice.storage.ReplicaException;
import java.io.IOException;
import java.time.Instant;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentSkipListMap;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Makes and stores the files of the levels: compactions, snapshots, the image that ends a gap.
 *
 * <p>What turns out not to be as it is known here, an input that is gone or a name that is taken,
 * has the replica listed once, and is looked at anew: a file that somebody else has stored under
 * the name of an output is taken as it is. Confined to one thread at a time, but for {@link
 * #hasUnsettled}.
 */
final class LevelWork {
  private static final Logger log = LoggerFactory.getLogger(LevelWork.class);

  private final ReplicaWriter writer;
  private final LevelSetup setup;
  private final Known known;
  private final LevelLog counts;
  private final Lister lister;
  private final OutputWriter outputs;

  /** Outputs of which nobody knows whether they are stored, by level: the same come next there. */
  private final Map<Integer, Output> unsettled = new ConcurrentSkipListMap<>();

  /** What is known of the replica, which others change meanwhile. */
  record Known(Holdings holdings, Beginnings beginnings, GapWatch gap) {}

  /** Brings what is known up to what there is. */
  interface Lister {
    void list() throws IOException;
  }

  /** A file that is to be made. */
  private record Output(LtxFileName name, List<LtxFileName> inputs, Time made) {}

  /** A time by the clock, which a file tells, and by the ticker, which tells its age. */
  private record Time(Instant instant, long nanos) {}

  LevelWork(ReplicaWriter writer, LevelSetup setup, Known known, LevelLog counts, Lister lister) {
    this.writer = writer;
    this.setup = setup;
    this.known = known;
    this.counts = counts;
    this.lister = lister;
    this.outputs = new OutputWriter(writer, known.holdings(), setup);
  }

  /** Deletes what a process before left on disk. */
  void deleteLeftover() throws IOException {
    outputs.deleteLeftover();
  }

  /** Returns how many bytes all outputs so far have needed from the storage, made or not. */
  long fetchedBytes() {
    return outputs.fetchedBytes();
  }

  /** Returns whether it is not known of a file of some levels if it is stored. */
  boolean hasUnsettled(int from, int to) {
    return unsettled.keySet().stream().anyMatch(level -> from <= level && level <= to);
  }

  /** A listing for what failed, one and no more. */
  private final class Relisting {
    private boolean isDone;

    void after(IOException failure) throws IOException {
      if (isDone) {
        throw failure;
      }
      isDone = true;
      if (failure instanceof SecondWriterException) {
        log.warn("{}; it is taken as it is", failure.getMessage());
      }
      lister.list();
    }
  }

  /** Makes the next file of a level, or several if there are very many inputs. */
  void compact(int level) throws IOException {
    Relisting relisting = new Relisting();
    for (List<LtxFileName> inputs = inputs(level); !inputs.isEmpty(); inputs = inputs(level)) {
      try {
        store(output(level, inputs));
        if (inputs.size() < CompactionChoice.INPUTS_MAX) {
          return;
        }
      } catch (OutputWriter.UnusableInputException e) {
        leaveOut(List.of(e.name()), e);
      } catch (CompactionException e) {
        goAround(inputs, e);
      } catch (ReplicaException.NotFound | ReplicaException.Conflict | SecondWriterException e) {
        relisting.after(e);
      }
    }
  }

  private List<LtxFileName> inputs(int level) {
    return CompactionChoice.inputs(known.holdings().files(), level, known.beginnings().all());
  }

  private Output output(int level, List<LtxFileName> inputs) {
    Txid min = inputs.get(0).range().min();
    Txid max = inputs.get(inputs.size() - 1).range().max();
    LtxFileName name = new LtxFileName(level, new TxidRange(min, max));
    return new Output(name, inputs, now());
  }

  private Time now() {
    return new Time(setup.clock().instant(), setup.ticker().getAsLong());
  }

  /** Makes a snapshot of the newest state, if it is not in one. */
  void snapshot() throws IOException {
    Relisting relisting = new Relisting();
    while (true) {
      List<LtxFileName> inputs = snapshotInputs();
      Txid max = inputs.isEmpty() ? Txid.NONE : inputs.get(inputs.size() - 1).range().max();
      if (!max.isAfter(known.holdings().max(LtxFileName.SNAPSHOT_LEVEL))) {
        return;
      }
      try {
        store(snapshot(max, inputs));
        if (inputs.size() < CompactionChoice.INPUTS_MAX) {
          return;
        }
      } catch (OutputWriter.UnusableInputException e) {
        leaveOut(List.of(e.name()), e);
      } catch (CompactionException e) {
        leaveOut(inputs, e);
      } catch (ReplicaException.NotFound | ReplicaException.Conflict | SecondWriterException e) {
        relisting.after(e);
      }
    }
  }

  /** Returns what leads to the newest state; very many are taken in several snapshots. */
  private List<LtxFileName> snapshotInputs() {
    List<LtxFileName> inputs =
        known.holdings().files().plan().files().stream().map(LtxFile::name).toList();
    return inputs.subList(0, Math.min(inputs.size(), CompactionChoice.INPUTS_MAX));
  }

  private Output snapshot(Txid max, List<LtxFileName> inputs) {
    LtxFileName name = new LtxFileName(LtxFileName.SNAPSHOT_LEVEL, new TxidRange(Txid.FIRST, max));
    return new Output(name, inputs, now());
  }

  /** Makes a snapshot of an image that ends a gap: of each file that came, it is tried. */
  void takeImage() throws IOException {
    Relisting relisting = new Relisting();
    GapWatch gap = known.gap();
    for (Optional<HeldFile> file = gap.candidate(known.holdings().files());
        file.isPresent();
        file = gap.candidate(known.holdings().files())) {
      Txid txid = file.get().max();
      try {
        store(snapshot(txid, List.of(file.get().name())));
        known.beginnings().add(txid);
      } catch (CompactionException e) {
        log.debug("{}", e.getMessage());
      } catch (OutputWriter.UnusableInputException e) {
        leaveOut(List.of(e.name()), e);
      } catch (ReplicaException.NotFound | ReplicaException.Conflict | SecondWriterException e) {
        relisting.after(e);
        continue;
      }
      gap.tried(txid);
      gap.look(known.holdings().files());
    }
  }

  private void store(Output output) throws IOException {
    int level = output.name().level();
    boolean isSnapshot = level == LtxFileName.SNAPSHOT_LEVEL;
    LevelLog.Kind kind = isSnapshot ? LevelLog.Kind.SNAPSHOT : LevelLog.Kind.COMPACTION;
    long startNanos = System.nanoTime();
    try {
      OutputWriter.Output stored =
          isSnapshot
              ? outputs.snapshot(output.name(), output.inputs(), output.made().instant())
              : outputs.compact(level, output.inputs());
      if (isSnapshot) {
        known.holdings().add(stored.file(), output.made().nanos());
      } else {
        known.holdings().add(stored.file());
      }
      counts.done(kind, startNanos, stored.compaction().inputBytes(), stored.compaction().bytes());
    } catch (ReplicaException.OutcomeUnknown e) {
      counts.failed(kind, startNanos);
      unsettled.put(level, output);
      throw e;
    } catch (IOException e) {
      counts.failed(kind, startNanos);
      throw e;
    }
  }

  /** Stores again, byte for byte, what may be stored already on some levels. */
  void settle(int from, int to) throws IOException {
    for (int level = from; level <= to; level++) {
      Output output = unsettled.get(level);
      if (output != null) {
        settle(output);
        unsettled.remove(level);
      }
    }
  }

  private void settle(Output output) throws IOException {
    try {
      store(output);
    } catch (OutputWriter.UnusableInputException | CompactionException e) {
      log.debug("{}: {}", writer.client().location(output.name()), e.getMessage());
    } catch (ReplicaException.NotFound | ReplicaException.Conflict | SecondWriterException e) {
      new Relisting().after(e);
    }
  }

  /** Does without files from now on. */
  private void leaveOut(Collection<LtxFileName> names, IOException why) {
    log.error("{}; it is left out of compaction", why.getMessage());
    known.holdings().markUnusable(names);
    known.gap().look(known.holdings().files());
  }

  /** Finds out what stands between files that cannot be merged. */
  private void goAround(List<LtxFileName> inputs, CompactionException why) throws IOException {
    if (why.reason() != CompactionException.Reason.PAGE_SIZE) {
      leaveOut(inputs, why);
      return;
    }
    int first = outputs.header(inputs.get(0)).pageSize();
    for (LtxFileName input : inputs) {
      if (outputs.header(input).pageSize() != first) {
        known.beginnings().add(input.range().min());
        return;
      }
    }
    throw why;
  }
}
