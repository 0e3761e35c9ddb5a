package dev.sluice.testkit;

import dev.sluice.testkit.FaultProxy.Fault;
import dev.sluice.testkit.FaultProxy.FaultChooser;
import dev.sluice.testkit.FaultProxy.Request;
import java.time.Duration;
import java.util.Optional;
import java.util.Random;

/**
 * What a storage does at random on a bad day, seeded. A byte is flipped only where a file's
 * checksum or a frame's header tells: of one page by itself nobody can know. Called by one thread
 * at a time.
 */
public final class Storm implements FaultChooser {

  /** How bad it is. */
  public enum Kind {
    /** A third of the requests, in every way. */
    MIXED(33),
    /** Two thirds. */
    HEAVY(66),
    HANGING(100),
    BUSY(100),
    /** Every object is said to be missing. */
    MISSING(100),
    /** Every condition is said to have failed. */
    CHANGED(100);

    private final int percent;

    Kind(int percent) {
      this.percent = percent;
    }
  }

  private static final int FIRST_BYTES = 3000;

  private final Kind kind;
  private final Random random;

  public Storm(Kind kind, Random random) {
    this.kind = kind;
    this.random = random;
  }

  @Override
  public Optional<Fault> choose(Request request) {
    if (random.nextInt(100) >= kind.percent) {
      return Optional.empty();
    }
    boolean isObject = request.path().endsWith(".ltx");
    return switch (kind) {
      case HANGING -> Optional.of(new Fault.Hang());
      case BUSY -> Optional.of(new Fault.Status(503, "SlowDown"));
      case MISSING -> isObject ? Optional.of(new Fault.Status(404, "NoSuchKey")) : Optional.empty();
      case CHANGED ->
          isObject ? Optional.of(new Fault.Status(412, "PreconditionFailed")) : Optional.empty();
      case MIXED, HEAVY -> Optional.of(isObject ? ofObject(request) : any());
    };
  }

  private Fault ofObject(Request request) {
    return switch (random.nextInt(5)) {
      case 0 -> new Fault.Status(404, "NoSuchKey");
      case 1 -> new Fault.Status(412, "PreconditionFailed");
      case 2 -> new Fault.Flip(flippable(request));
      default -> any();
    };
  }

  /** Small files are read whole; of other reads the first bytes are a header. */
  private long flippable(Request request) {
    boolean isWhole = request.range().startsWith("bytes=0-") && request.path().contains("/0000/");
    return isWhole ? random.nextInt(FIRST_BYTES) : random.nextInt(4);
  }

  private Fault any() {
    return switch (random.nextInt(12)) {
      case 0, 1 -> new Fault.Hang();
      case 2 -> new Fault.Reset(random.nextInt(FIRST_BYTES));
      case 3 -> new Fault.Truncate(random.nextInt(FIRST_BYTES));
      case 4 -> new Fault.Stall(random.nextInt(FIRST_BYTES));
      case 5 -> new Fault.ResetInsteadOfAnswer();
      case 6 -> new Fault.Status(500, "InternalError");
      case 7 -> new Fault.Status(503, "SlowDown");
      case 8 -> new Fault.Status(random.nextInt(10) == 0 ? 403 : 503, "AccessDenied");
      default -> new Fault.Delay(Duration.ofMillis(random.nextInt(400)));
    };
  }
}
