package dev.sluice.cache.bulk;

import dev.sluice.ltx.FrameSum;
import dev.sluice.ltx.LtxFormatException;
import dev.sluice.ltx.LtxHeader;
import dev.sluice.ltx.PageIndex;
import dev.sluice.storage.LtxFile;
import dev.sluice.storage.ReplicaException;
import java.io.IOException;
import java.io.InterruptedIOException;
import java.nio.ByteBuffer;
import java.util.ArrayDeque;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.TimeUnit;

/**
 * One reading, from its first request to the last proof. Frames of files that have begun are asked
 * for before the ends of further files. Confined to one thread at a time.
 */
final class Reading {
  private static final long ASK_NANOS = TimeUnit.MILLISECONDS.toNanos(40);

  /** Large files whose index is asked for ahead. */
  private static final int LARGE_AHEAD_MAX = 4;

  private final List<FileReading> files;
  private final PageSink sink;
  private final Requests requests;
  private final Window window;
  private final BulkReader.Setup setup;
  private final Workers workers;
  private final ArrayDeque<FileReading> asking = new ArrayDeque<>();
  private Optional<LtxFile> malformed = Optional.empty();
  private int nextToLoad;
  private int nextToBegin;
  private int largeAhead;
  private int provenCount;

  Reading(List<LtxFile> files, PageSink sink, Requests requests, BulkReader.Setup setup) {
    this.files = files.stream().map(FileReading::new).toList();
    this.sink = sink;
    this.requests = requests;
    this.window = requests.window();
    this.setup = setup;
    this.workers = new Workers(setup.threadName(), setup.threads());
  }

  void run() throws IOException {
    requests.beginRound();
    try {
      while (provenCount < files.size()) {
        requests.resume();
        Optional<Event> event = next(makeRequests());
        if (event.isPresent()) {
          event.get().happen();
        } else {
          requests.requirePatience();
        }
        requireWanted();
      }
    } finally {
      requests.cancel();
      workers.end();
    }
  }

  private Optional<Event> next(long waitNanos) throws InterruptedIOException {
    try {
      return requests.next(waitNanos);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      InterruptedIOException failure =
          new InterruptedIOException("read " + requests.location() + ": interrupted");
      failure.initCause(e);
      throw failure;
    }
  }

  private void requireWanted() throws ReplicaException {
    if (setup.closing().getCount() == 0) {
      throw new ReplicaException.Unavailable("read " + requests.location() + ": closed meanwhile");
    }
  }

  /** Returns the file because of which it failed. */
  Optional<LtxFile> failed() {
    return malformed.or(requests::failed);
  }

  /** Makes the requests that there is room for, and returns how long to wait for an answer. */
  private long makeRequests() {
    while (!asking.isEmpty()) {
      FileReading file = asking.element();
      FrameRange range = file.nextRange(window.requestBytes());
      long wait = waitNanos(range.bytes());
      if (wait > 0) {
        return wait;
      }
      request(file, range);
      if (range.isLast()) {
        asking.remove();
      }
    }
    while (nextToLoad < files.size()) {
      FileReading file = files.get(nextToLoad);
      boolean isWhole = isWhole(file.file());
      long wait =
          !isWhole && largeAhead == LARGE_AHEAD_MAX
              ? ASK_NANOS
              : waitNanos(
                  isWhole ? file.file().size() : EndsFetch.bytes(file.file(), tailBytesMax()));
      if (wait > 0) {
        return wait;
      }
      nextToLoad++;
      load(file);
    }
    return ASK_NANOS;
  }

  private long waitNanos(long bytes) {
    if (!window.hasRoom(bytes)) {
      return ASK_NANOS;
    }
    requests.patience().hold();
    long wait = setup.pace().waitNanos(bytes);
    requests.patience().release();
    if (wait > 0 && !requests.isActive()) {
      requests.patience().renew();
    }
    return Math.min(wait, ASK_NANOS);
  }

  private boolean isWhole(LtxFile file) {
    return file.size() <= setup.limits().wholeFileBytes();
  }

  private int tailBytesMax() {
    return setup.limits().requestBytes();
  }

  private void load(FileReading reading) {
    LtxFile file = reading.file();
    if (isWhole(file)) {
      loadWhole(reading);
      return;
    }
    largeAhead++;
    Optional<byte[]> known = setup.known().of(file);
    if (known.isPresent()) {
      work(file, () -> parseKnown(reading, known.get()));
      return;
    }
    loadEnds(reading);
  }

  private void loadWhole(FileReading reading) {
    LtxFile file = reading.file();
    window.enter(file.size());
    requests.begin(
        new Fetch(
            file, 0, (int) file.size(), new Counted(all -> work(file, () -> parse(reading, all)))));
  }

  private Event parse(FileReading reading, byte[] all) throws LtxFormatException {
    LtxFile file = reading.file();
    ByteBuffer content = ByteBuffer.wrap(all);
    BulkFile bulk = EndsFetch.parse(file, content, content.duplicate(), requests.nameOf(file));
    return () -> {
      reading.know(bulk, Optional.of(all));
      beginKnown();
    };
  }

  private Event parseKnown(FileReading reading, byte[] ends) throws LtxFormatException {
    LtxFile file = reading.file();
    ByteBuffer head = ByteBuffer.wrap(ends, 0, LtxHeader.BYTES);
    ByteBuffer tail = ByteBuffer.wrap(ends, LtxHeader.BYTES, ends.length - LtxHeader.BYTES);
    BulkFile bulk = EndsFetch.parse(file, head, tail, requests.nameOf(file));
    return () -> knowEnds(reading, bulk);
  }

  private void loadEnds(FileReading reading) {
    EndsFetch fetch =
        new EndsFetch(
            requests,
            reading.file(),
            tailBytesMax(),
            ends -> work(reading.file(), () -> parseEnds(reading, ends)));
    window.enter(fetch.bytes());
    fetch.begin();
  }

  private Event parseEnds(FileReading reading, EndsFetch ends) throws LtxFormatException {
    BulkFile bulk = ends.parse();
    return () -> {
      window.leave(ends.bytes());
      knowEnds(reading, bulk);
    };
  }

  private void knowEnds(FileReading reading, BulkFile bulk) throws IOException {
    reading.know(bulk, Optional.empty());
    arrived(LtxHeader.BYTES + bulk.file().size() - bulk.index().indexOffset());
    beginKnown();
  }

  /** Begins files, each when all before it have begun. */
  private void beginKnown() throws IOException {
    while (nextToBegin < files.size() && files.get(nextToBegin).isKnown()) {
      FileReading reading = files.get(nextToBegin);
      nextToBegin++;
      List<SummedFrames> had = begin(reading.bulk());
      Optional<byte[]> content = reading.takeContent();
      if (content.isPresent()) {
        FrameRange all = FrameRange.all(reading.bulk().index());
        reading.ask(all);
        decode(
            reading, new RunDecoder.Frames(reading.bulk(), all, content.get(), (int) all.offset()));
      } else {
        largeAhead--;
        skip(reading, had);
        requests.beginRound();
        asking.add(reading);
      }
    }
  }

  private List<SummedFrames> begin(BulkFile file) throws IOException {
    requests.patience().hold();
    try {
      return sink.begin(file);
    } finally {
      requests.patience().release();
    }
  }

  private void skip(FileReading reading, List<SummedFrames> frames) throws IOException {
    PageIndex index = reading.bulk().index();
    reading.skip(frames);
    for (SummedFrames each : frames) {
      int last = each.end() - 1;
      arrived(index.offset(last) + index.frameBytes(last) - index.offset(each.first()));
    }
  }

  private void request(FileReading reading, FrameRange range) {
    reading.ask(range);
    window.enter(range.bytes());
    requests.begin(
        new Fetch(
            reading.file(),
            range.offset(),
            range.bytes(),
            new Counted(
                bytes -> decode(reading, new RunDecoder.Frames(reading.bulk(), range, bytes, 0)))));
  }

  /** Has frames decoded; the array that they stand in takes room until then. */
  private void decode(FileReading reading, RunDecoder.Frames frames) {
    work(
        reading.file(),
        () -> {
          RunDecoder decoder = workers.take();
          long[] crcs = new long[frames.range().count()];
          FrameSum sum = decoder.decode(frames, sink, crcs, workers::isEnding);
          workers.give(decoder);
          if (sum.count() > 0 && sum.count() == frames.range().count()) {
            sink.taken(frames.file(), new SummedFrames(frames.range().first(), sum), crcs);
          }
          return () -> {
            window.leave(frames.bytes().length);
            reading.add(frames.range(), sum);
            proveIfDecoded(reading);
          };
        });
  }

  private void proveIfDecoded(FileReading reading) throws IOException {
    if (!reading.isDecoded()) {
      return;
    }
    BulkFile proven = naming(reading.file(), reading::prove);
    telling(() -> sink.proven(proven));
    provenCount++;
  }

  private interface Step<T> {
    T run() throws IOException;
  }

  /** Keeps in mind which file is malformed. */
  private <T> T naming(LtxFile file, Step<T> step) throws IOException {
    try {
      return step.run();
    } catch (LtxFormatException e) {
      malformed = Optional.of(file);
      throw e;
    }
  }

  /** Tells the sink something; what it takes is no stall. */
  private void telling(Event told) throws IOException {
    requests.patience().hold();
    try {
      told.happen();
    } finally {
      requests.patience().release();
    }
  }

  private void arrived(long bytes) throws IOException {
    telling(() -> sink.arrived(bytes));
  }

  /** Has something done for a file on another thread, and what it gives happen on this one. */
  private void work(LtxFile file, Workers.Job job) {
    requests.patience().hold();
    workers.run(
        () -> {
          Event then = outcome(job);
          requests.tell(
              () -> {
                requests.patience().release();
                naming(
                    file,
                    () -> {
                      then.happen();
                      return file;
                    });
              });
        });
  }

  private static Event outcome(Workers.Job job) {
    try {
      return job.run();
    } catch (IOException e) {
      return () -> {
        throw e;
      };
    } catch (RuntimeException | Error e) {
      return () -> {
        throw e;
      };
    }
  }

  /** What is asked for once, so that its bytes are progress. */
  private final class Counted implements Fetch.Receiver {
    private final Taking taking;

    Counted(Taking taking) {
      this.taking = taking;
    }

    @Override
    public void arrived(int count) throws IOException {
      Reading.this.arrived(count);
    }

    @Override
    public void received(byte[] all) {
      taking.take(all);
    }
  }

  private interface Taking {
    void take(byte[] bytes);
  }
}
