package dev.sluice.storage.s3;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

final class S3ClosingTest {
  private final List<String> closed = new ArrayList<>();
  private final S3Closing closing = new S3Closing();

  @Test
  void aFailureKeepsNothingFromBeingClosed() {
    IOException first = new IOException("first");
    closing.add(() -> closed.add("a"));
    closing.add(
        () -> {
          throw new LinkageError("second");
        });
    closing.add(
        () -> {
          throw first;
        });
    closing.add(() -> closed.add("b"));
    IllegalStateException e = assertThrows(IllegalStateException.class, closing::close);
    assertSame(first, e.getCause());
    assertEquals(1, e.getSuppressed().length);
    assertEquals(List.of("b", "a"), closed);
    closing.close();
    assertEquals(2, closed.size(), "idempotent");
  }

  @Test
  void afterAFailureTheOthersAreAddedToIt() {
    IllegalArgumentException reason = new IllegalArgumentException();
    closing.add(
        () -> {
          throw new IOException("then");
        });
    closing.closeAfter(reason);
    assertEquals(1, reason.getSuppressed().length);
  }
}
