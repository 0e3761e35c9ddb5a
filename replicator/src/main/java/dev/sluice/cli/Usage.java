package dev.sluice.cli;

import dev.sluice.storage.text.NearestWord;
import java.util.Arrays;
import java.util.Collection;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Pattern;
import picocli.CommandLine;
import picocli.CommandLine.Help;
import picocli.CommandLine.Help.ColorScheme;
import picocli.CommandLine.Help.IOptionRenderer;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Model.OptionSpec;
import picocli.CommandLine.ParameterException;

/**
 * The words of wrong usage, and of help. Options are known with one dash, as Litestream writes
 * them, and with two; help shows the usual form of each: one dash before a letter, two before a
 * word.
 */
final class Usage {

  static final int WIDTH = 100;

  /** What can only have been meant as an option. SQL that begins with a comment has space in it. */
  private static final Pattern OPTION = Pattern.compile("--?[A-Za-z][A-Za-z0-9-]*(=\\S*)?");

  private Usage() {}

  static ParameterException unknownCommand(CommandLine root, String name) {
    String hint = hint(name, root.getSubcommands().keySet());
    return new ParameterException(root, "unknown command \"" + name + "\"" + hint);
  }

  static ParameterException unknownOption(CommandLine command, String option) {
    String name = option.replaceFirst("=.*", "");
    String word = "--" + name.replaceFirst("^--?", "");
    String hint = hint(word, optionNames(command.getCommandSpec()));
    return new ParameterException(command, "unknown option \"" + name + "\"" + hint);
  }

  /**
   * Refuses arguments that look like options: the commands that take free text see unknown options
   * among it.
   */
  static void refuseOptions(CommandLine command, List<String> arguments) {
    for (String argument : arguments) {
      if (isOption(argument)) {
        throw unknownOption(command, argument);
      }
    }
  }

  private static String hint(String word, Collection<String> candidates) {
    return NearestWord.of(word, candidates)
        .map(known -> "; did you mean \"" + known + "\"?")
        .orElse("");
  }

  static boolean isOption(String argument) {
    return OPTION.matcher(argument).matches();
  }

  private static Set<String> optionNames(CommandSpec spec) {
    Set<String> names = new TreeSet<>();
    for (OptionSpec option : spec.options()) {
      for (String name : option.names()) {
        if (name.startsWith("--") && isUsual(name)) {
          names.add(name);
        }
      }
    }
    return names;
  }

  private static boolean isUsual(String name) {
    return name.startsWith("--") ? name.length() > 3 : name.length() == 2;
  }

  /** Renders each option with the usual forms of its names only. */
  static Help help(CommandSpec spec, ColorScheme colours) {
    return new Help(spec, colours) {
      @Override
      public IOptionRenderer createDefaultOptionRenderer() {
        IOptionRenderer renderer = super.createDefaultOptionRenderer();
        return (option, labels, scheme) -> renderer.render(shown(option), labels, scheme);
      }
    };
  }

  private static OptionSpec shown(OptionSpec option) {
    String[] names = Arrays.stream(option.names()).filter(Usage::isUsual).toArray(String[]::new);
    return OptionSpec.builder(option).names(names).build();
  }
}
