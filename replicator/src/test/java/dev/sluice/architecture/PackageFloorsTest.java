package dev.sluice.architecture;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import com.tngtech.archunit.core.importer.ImportOption;
import com.tngtech.archunit.lang.ArchRule;
import java.util.List;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;

final class PackageFloorsTest {
  private static final String FIXTURE = "dev.sluice.architecture.fixture";

  private static final JavaClasses PRODUCTION =
      new ClassFileImporter()
          .withImportOption(new ImportOption.DoNotIncludeTests())
          .withImportOption(location -> !location.contains("/dev/sluice/testkit/"))
          .importPackages("dev.sluice");

  @Test
  void noPackageDependsUpwardAndNoVendorTypeLeaks() {
    assertEquals(List.of(), violations("dev.sluice", PRODUCTION));
  }

  @Test
  void everyPackageIsNullMarked() {
    assertEquals(List.of(), PackageRules.notNullMarked(PRODUCTION));
  }

  @Test
  void classesOfEveryBuiltModuleAreSeen() {
    List<String> packages =
        PRODUCTION.stream().map(found -> found.getPackageName()).distinct().toList();
    assertTrue(
        packages.containsAll(List.of("dev.sluice.ltx", "dev.sluice.storage", "dev.sluice.cli")),
        packages::toString);
  }

  @Test
  void eachRuleFindsItsViolation() {
    JavaClasses fixture = new ClassFileImporter().importPackages(FIXTURE);
    List<String> found = violations(FIXTURE, fixture);
    for (String guilty :
        List.of(
            "ltx.KnowsStorage",
            "storage.KnowsBackend",
            "storage.KnowsSqlite",
            "vfs.KnowsMetrics",
            "cache.KnowsVendor")) {
      assertTrue(
          found.stream().anyMatch(sentence -> sentence.contains(FIXTURE + "." + guilty)),
          () -> guilty + ": " + found);
    }
    assertEquals(List.of(FIXTURE + ".storage"), PackageRules.notNullMarked(fixture));
  }

  private static List<String> violations(String base, JavaClasses classes) {
    List<ArchRule> rules = PackageRules.of(base);
    return rules.stream()
        .map(rule -> rule.evaluate(classes))
        .flatMap(result -> result.getFailureReport().getDetails().stream())
        .collect(Collectors.toList());
  }
}
