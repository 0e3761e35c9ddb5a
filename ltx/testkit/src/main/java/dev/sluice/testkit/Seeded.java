package dev.sluice.testkit;

import java.lang.annotation.ElementType;
import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;
import java.lang.annotation.Target;
import org.junit.jupiter.api.extension.ExtendWith;

/**
 * Gives the {@link Seed} of a test to a parameter of the test, of its {@code @BeforeEach} or of its
 * class's constructor: one and the same to all of them. It is printed once, and the message of a
 * failure begins with it, as {@code -Dproperty=value: }, so that a report of the failure is enough
 * to run the test again.
 */
@Target(ElementType.PARAMETER)
@Retention(RetentionPolicy.RUNTIME)
@ExtendWith(SeedExtension.class)
public @interface Seeded {
  /** The system property that gives the seed. */
  String value();
}
