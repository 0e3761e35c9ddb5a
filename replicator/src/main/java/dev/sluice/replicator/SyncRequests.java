package dev.sluice.replicator;

import dev.sluice.ltx.Txid;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;

/**
 * Those who wait for the replica to have everything up to a cut. Cuts are counted from the opening
 * of the spool on; what it held at first is cut 0. Confined to the database's step.
 */
final class SyncRequests {
  private final List<Request> requests = new ArrayList<>();
  private final List<Answer> answers = new ArrayList<>();

  private record Request(long cut, CompletableFuture<Txid> done) {}

  private record Answer(Request request, Txid txid) {}

  void add(long cut, CompletableFuture<Txid> done) {
    forgetDone();
    requests.add(new Request(cut, done));
  }

  boolean isEmpty() {
    forgetDone();
    return requests.isEmpty();
  }

  /** Returns whether somebody waits for a cut that is not decided yet. */
  boolean isForLaterThan(long cut) {
    forgetDone();
    return requests.stream().anyMatch(request -> request.cut() > cut);
  }

  /** Says that the replica has all cuts before one, and ends at the TXID. */
  void reached(long cut, Txid txid) {
    forgetDone();
    requests.removeIf(request -> request.cut() < cut && answers.add(new Answer(request, txid)));
  }

  /** Whoever asked has given up. */
  private void forgetDone() {
    requests.removeIf(request -> request.done().isDone());
  }

  /**
   * Tells those whose cut is reached: to be called when everybody can see what they waited for. On
   * another thread, as what depends on them may block.
   */
  void answer() {
    for (Answer answer : answers) {
      var unused = answer.request().done().completeAsync(answer::txid);
    }
    answers.clear();
  }

  /** Returns the futures that are not done, which nobody completes any more. */
  List<CompletableFuture<Txid>> abandon() {
    answer();
    List<CompletableFuture<Txid>> open = requests.stream().map(Request::done).toList();
    requests.clear();
    return open;
  }
}
