package dev.sluice.testkit;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.util.Optional;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtensionContext;
import org.junit.jupiter.api.extension.LifecycleMethodExecutionExceptionHandler;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.api.extension.TestExecutionExceptionHandler;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.opentest4j.AssertionFailedError;
import org.opentest4j.TestAbortedException;

/** Each of these tests fails, and what it is reported with is looked at instead of reported. */
class SeededTest {
  private static final String PROPERTY = "sluice.testkit.seed";

  @RegisterExtension static final Report REPORT = new Report();

  /** Stands behind the extension under test, and is handed what that throws. */
  static final class Report
      implements TestExecutionExceptionHandler, LifecycleMethodExecutionExceptionHandler {
    @Override
    public void handleTestExecutionException(ExtensionContext test, Throwable failure) {
      test.getRequiredTestInstances().findInstance(SeededTest.class).orElseThrow().reported =
          Optional.of(failure);
    }

    @Override
    public void handleBeforeEachMethodExecutionException(ExtensionContext test, Throwable failure) {
      handleTestExecutionException(test, failure);
    }
  }

  private final Seed seed;
  private String message = "none was expected";
  private Throwable thrown = new AssertionError("none was thrown");
  private Optional<Throwable> reported = Optional.empty();

  SeededTest(@Seeded(PROPERTY) Seed seed) {
    this.seed = seed;
  }

  @BeforeEach
  void isTheSeedOfTheConstructor(@Seeded(PROPERTY) Seed same) {
    assertSame(seed, same);
  }

  @AfterEach
  void isReportedAsExpected() {
    Throwable failure = reported.orElseThrow();
    assertEquals(message, failure.getMessage());
    assertEquals(thrown instanceof AssertionError, failure instanceof AssertionError);
    if (failure != thrown) {
      assertSame(thrown, failure.getCause());
    }
    assertArrayEquals(thrown.getStackTrace(), failure.getStackTrace());
  }

  private void fail(String expected, Throwable failure) throws Throwable {
    message = expected;
    thrown = failure;
    throw failure;
  }

  @Test
  void assertionThatFailsStaysOne() throws Throwable {
    fail(
        "-Dsluice.testkit.seed=" + seed.value() + ": 1 is not 2",
        new AssertionFailedError("1 is not 2", 2, 1));
  }

  @Test
  void exceptionIsNamedWithItsKind() throws Throwable {
    fail(seed + ": java.io.IOException: read a.ltx", new IOException("read a.ltx"));
  }

  @Test
  void episodeThatFailsIsTheOneToBeginWith() throws Throwable {
    long first = seed.value();
    seed.next();
    fail(
        "-Dsluice.testkit.seed=" + (first + 1) + ": begun with " + first + ": no",
        new AssertionError("no"));
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 2})
  void invocationHasASeedOfItsOwn(int invocation, @Seeded(PROPERTY) Seed same) throws Throwable {
    assertSame(seed, same);
    fail(seed + ": " + invocation, new AssertionError(invocation));
  }

  @Test
  void testThatIsGivenUpIsNoFailure() throws Throwable {
    fail("not here", new TestAbortedException("not here"));
  }

  @Nested
  class BeforeATest {
    @BeforeEach
    void begin() throws Throwable {
      fail(seed + ": no world", new AssertionError("no world"));
    }

    @Test
    void failureIsNamedToo() {
      assertTrue(reported.isPresent());
    }
  }

  @Test
  void aPropertyGivesTheSeedOfAll() throws Throwable {
    Optional<String> before = Optional.ofNullable(System.getProperty(Seed.OF_ALL));
    System.setProperty(Seed.OF_ALL, "11");
    try {
      assertEquals(11, new Seed(PROPERTY + ".none").value());
    } finally {
      before.ifPresentOrElse(
          value -> System.setProperty(Seed.OF_ALL, value), () -> System.clearProperty(Seed.OF_ALL));
    }
    fail(seed + ": no", new AssertionError("no"));
  }

  @Test
  void propertyGivesTheSeed() throws Throwable {
    String other = PROPERTY + ".given";
    System.setProperty(other, "-7");
    try {
      assertEquals(-7, new Seed(other).value());
      assertEquals("-D" + other + "=-7", new Seed(other).toString());
    } finally {
      System.clearProperty(other);
    }
    fail(seed + ": no", new AssertionError("no"));
  }
}
