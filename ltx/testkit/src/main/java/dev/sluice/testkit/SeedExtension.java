package dev.sluice.testkit;

import java.util.Optional;
import org.junit.jupiter.api.extension.ExtensionContext;
import org.junit.jupiter.api.extension.ExtensionContext.Namespace;
import org.junit.jupiter.api.extension.LifecycleMethodExecutionExceptionHandler;
import org.junit.jupiter.api.extension.ParameterContext;
import org.junit.jupiter.api.extension.ParameterResolutionException;
import org.junit.jupiter.api.extension.ParameterResolver;
import org.junit.jupiter.api.extension.TestExecutionExceptionHandler;
import org.opentest4j.IncompleteExecutionException;

/** What {@link Seeded} promises. The seed is kept in the store of the one test that it is for. */
final class SeedExtension
    implements ParameterResolver,
        TestExecutionExceptionHandler,
        LifecycleMethodExecutionExceptionHandler {
  private static final Namespace NAMESPACE = Namespace.create(SeedExtension.class);

  /** Not that of the class, to which a constructor's parameters belong otherwise. */
  @Override
  public ExtensionContextScope getTestInstantiationExtensionContextScope(ExtensionContext root) {
    return ExtensionContextScope.TEST_METHOD;
  }

  @Override
  public boolean supportsParameter(ParameterContext parameter, ExtensionContext test) {
    return parameter.isAnnotated(Seeded.class)
        && parameter.getParameter().getType().equals(Seed.class);
  }

  @Override
  public Seed resolveParameter(ParameterContext parameter, ExtensionContext test) {
    String property = parameter.findAnnotation(Seeded.class).orElseThrow().value();
    Seed seed =
        test.getStore(NAMESPACE)
            .computeIfAbsent(Seed.class, key -> begin(property, test), Seed.class);
    if (!seed.property().equals(property)) {
      throw new ParameterResolutionException(
          "the test has a seed already: " + seed + ", and no other of " + property);
    }
    return seed;
  }

  private static Seed begin(String property, ExtensionContext test) {
    Seed seed = new Seed(property);
    System.out.println(
        test.getRequiredTestClass().getSimpleName() + " " + test.getDisplayName() + " " + seed);
    return seed;
  }

  @Override
  public void handleTestExecutionException(ExtensionContext test, Throwable failure)
      throws Throwable {
    throw named(test, failure);
  }

  @Override
  public void handleBeforeEachMethodExecutionException(ExtensionContext test, Throwable failure)
      throws Throwable {
    throw named(test, failure);
  }

  @Override
  public void handleAfterEachMethodExecutionException(ExtensionContext test, Throwable failure)
      throws Throwable {
    throw named(test, failure);
  }

  /** A test that is only given up, as by an assumption, stays one. */
  private static Throwable named(ExtensionContext test, Throwable failure) {
    if (failure instanceof IncompleteExecutionException) {
      return failure;
    }
    return Optional.ofNullable(test.getStore(NAMESPACE).get(Seed.class, Seed.class))
        .map(seed -> seed.named(failure))
        .orElse(failure);
  }
}
