package dev.sluice.cache;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assertions.fail;

import dev.sluice.testkit.Seed;
import dev.sluice.testkit.Seeded;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * Random histories, files and readers against plain arrays: each read gives the page of its view's
 * TXID, or "history gone" where nothing holds it any more.
 *
 * <p>{@code -Dsluice.model.steps=N} steps instead of 100,000; {@code -Dsluice.model.seed=S} begins
 * with the episode of that seed, which a failure names.
 */
class FollowerModelTest {
  private static final int STEPS = Integer.getInteger("sluice.model.steps", 100_000);
  private static final int STEPS_AN_EPISODE = 2_000;
  private static final int EPISODES_OF_A_MUTANT = 60;

  @TempDir Path folder;

  private static ModelEpisode.Kind kindOf(long seed) {
    ModelEpisode.Kind[] kinds = ModelEpisode.Kind.values();
    return kinds[(int) Math.floorMod(seed, (long) kinds.length)];
  }

  @Test
  void everyReadIsThePageOfItsTxidOrItIsGone(@Seeded("sluice.model.seed") Seed seed)
      throws IOException {
    ModelEpisode.Figures all = new ModelEpisode.Figures();
    for (int done = 0; done < STEPS; done += STEPS_AN_EPISODE) {
      run(kindOf(seed.value()), seed, new SourceRule(), all);
      seed.next();
    }
    System.out.println("FollowerModelTest " + all);
    assertTrue(all.exact() > all.all() * 9 / 10, all::toString);
    assertTrue(all.of(Losses.Loss.UNPROVEN) < all.all() / 100, all::toString);
    if (STEPS >= 10 * STEPS_AN_EPISODE) {
      assertTrue(all.relocatedPages() > 0 && all.rescuedPages() > 0, all::toString);
      assertTrue(all.pastViews() > 0 && all.of(Losses.Loss.LOST) > 0, all::toString);
    }
  }

  private void run(ModelEpisode.Kind kind, Seed seed, SourceRule rule, ModelEpisode.Figures figures)
      throws IOException {
    try (ModelEpisode episode = new ModelEpisode(kind, seed.value(), rule, folder, figures)) {
      episode.run(STEPS_AN_EPISODE);
    }
  }

  /** The others need files that no primary writes: {@link SourceRuleTest}. */
  @ParameterizedTest
  @EnumSource(
      value = SourceRule.Condition.class,
      names = {
        "ENDS_AFTER_THE_BOUND",
        "ENDS_WITHIN_WHAT_IS_KNOWN",
        "PAGE_IS_UNCHANGED_UNTIL_ITS_END"
      })
  void itFailsWithoutAnyConditionOfTheRule(
      SourceRule.Condition condition, @Seeded("sluice.model.seed") Seed seed) throws IOException {
    SourceRule mutant = new SourceRule(Set.of(condition));
    for (int episode = 0; episode < EPISODES_OF_A_MUTANT; episode++) {
      try {
        run(ModelEpisode.Kind.ANYTHING, seed, mutant, new ModelEpisode.Figures());
      } catch (AssertionError e) {
        System.out.println("without " + condition + ": " + e.getMessage());
        assertTrue(String.valueOf(e.getMessage()).contains("came: "), e.getMessage());
        return;
      }
      seed.next();
    }
    fail("nothing shows that " + condition + " is left out");
  }

  /** So that the test above cannot pass because of something else. */
  @Test
  void everyConditionIsTestedHereOrByItself() {
    assertEquals(6, SourceRule.Condition.values().length);
  }
}
