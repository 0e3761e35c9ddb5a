package dev.sluice.replicator.config;

import dev.sluice.replicator.config.Value.Entry;
import dev.sluice.replicator.config.Value.Mapping;
import dev.sluice.replicator.config.Value.Scalar;
import dev.sluice.replicator.config.Value.Sequence;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Deque;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.snakeyaml.engine.v2.api.LoadSettings;
import org.snakeyaml.engine.v2.api.lowlevel.Parse;
import org.snakeyaml.engine.v2.common.Anchor;
import org.snakeyaml.engine.v2.events.AliasEvent;
import org.snakeyaml.engine.v2.events.CollectionStartEvent;
import org.snakeyaml.engine.v2.events.DocumentStartEvent;
import org.snakeyaml.engine.v2.events.Event;
import org.snakeyaml.engine.v2.events.MappingStartEvent;
import org.snakeyaml.engine.v2.events.NodeEvent;
import org.snakeyaml.engine.v2.events.ScalarEvent;
import org.snakeyaml.engine.v2.events.SequenceStartEvent;
import org.snakeyaml.engine.v2.exceptions.MarkedYamlEngineException;
import org.snakeyaml.engine.v2.exceptions.ReaderException;
import org.snakeyaml.engine.v2.exceptions.YamlEngineException;

/**
 * Reads one YAML document into values.
 *
 * <p>It works on the parser's events: no type is resolved and no object made that the document
 * names, and neither depth nor merging can exceed what this class allows. Confined to one thread at
 * a time; for one document.
 */
final class YamlReader {
  private static final int CHARACTERS_MAX = 16 << 20;
  private static final int DEPTH_MAX = 50;
  private static final int MERGED_MAX = 1_000_000;
  private static final String MERGE = "<<";
  private static final String CORE = "tag:yaml.org,2002:";
  private static final Set<String> TAGS =
      Set.of("str", "int", "float", "bool", "null", "seq", "map", "merge");

  private final ConfigText text;
  private final Deque<Open> open = new ArrayDeque<>();
  private final Map<String, Optional<Value>> anchors = new HashMap<>();
  private @Nullable Value root;
  private int mergedCount;

  /** A collection whose end has not come yet. */
  private static final class Open {
    final boolean isMapping;
    final int line;
    final Optional<String> anchor;
    final List<Value> items = new ArrayList<>();
    final Map<String, Entry> entries = new LinkedHashMap<>();
    final List<Mapping> merges = new ArrayList<>();
    @Nullable String key;
    int keyLine;

    Open(boolean isMapping, int line, Optional<String> anchor) {
      this.isMapping = isMapping;
      this.line = line;
      this.anchor = anchor;
    }
  }

  private YamlReader(ConfigText text) {
    this.text = text;
  }

  /**
   * Returns the document's value; empty if there is none.
   *
   * @throws ConfigException if it is not one YAML document
   */
  static Optional<Value> read(ConfigText text) throws ConfigException {
    LoadSettings settings =
        LoadSettings.builder()
            .setUseMarks(true)
            .setParseComments(false)
            .setCodePointLimit(CHARACTERS_MAX)
            .build();
    YamlReader reader = new YamlReader(text);
    try {
      for (Event event : new Parse(settings).parseString(text.expanded())) {
        reader.take(event);
      }
    } catch (MarkedYamlEngineException e) {
      int line = e.getProblemMark().or(e::getContextMark).map(mark -> mark.getLine() + 1).orElse(1);
      // Not the message, which quotes the lines around it: there may be a secret in them.
      throw text.wrong(line, "this is not YAML: " + e.getProblem());
    } catch (ReaderException e) {
      throw text.wrong(
          text.lineAt(e.getPosition()), "this is not YAML: a character that may not be in it");
    } catch (YamlEngineException e) {
      throw text.wrong(1, "this is not YAML: " + e.getMessage());
    }
    return Optional.ofNullable(reader.root);
  }

  private void take(Event event) throws ConfigException {
    int line = event.getStartMark().map(mark -> mark.getLine() + 1).orElse(1);
    if (event instanceof ScalarEvent scalar) {
      checkTag(scalar.getTag(), line);
      Scalar value = new Scalar(scalar.getValue(), scalar.isPlain(), line);
      remember(anchor(scalar), value);
      add(value);
    } else if (event instanceof AliasEvent alias) {
      add(aliased(alias.getAlias().getValue(), line));
    } else if (event instanceof CollectionStartEvent start) {
      checkTag(start.getTag(), line);
      begin(start, line);
    } else if (event.getEventId() == Event.ID.MappingEnd
        || event.getEventId() == Event.ID.SequenceEnd) {
      end();
    } else if (event instanceof DocumentStartEvent && root != null) {
      throw text.wrong(line, "a second document begins here; a configuration is one");
    }
  }

  private void checkTag(Optional<String> tag, int line) throws ConfigException {
    boolean isKnown =
        tag.isEmpty()
            || tag.get().equals("!")
            || (tag.get().startsWith(CORE) && TAGS.contains(tag.get().substring(CORE.length())));
    if (!isKnown) {
      throw text.wrong(line, "the tag " + tag.get() + " means nothing here");
    }
  }

  private static Optional<String> anchor(NodeEvent event) {
    return event.getAnchor().map(Anchor::getValue);
  }

  private void remember(Optional<String> anchor, Value value) {
    anchor.ifPresent(name -> anchors.put(name, Optional.of(value)));
  }

  private Value aliased(String name, int line) throws ConfigException {
    Optional<Value> value = anchors.get(name);
    if (value == null) {
      throw text.wrong(
          line, "*" + name + " stands for nothing: there is no &" + name + " before it");
    } else if (value.isEmpty()) {
      throw text.wrong(line, "*" + name + " stands for something that it is a part of");
    }
    return value.get();
  }

  private void begin(CollectionStartEvent start, int line) throws ConfigException {
    if (open.size() >= DEPTH_MAX) {
      throw text.wrong(line, "more than " + DEPTH_MAX + " levels deep");
    }
    refuseAsKey(line);
    Optional<String> anchor = anchor(start);
    anchor.ifPresent(name -> anchors.put(name, Optional.empty()));
    open.push(new Open(start instanceof MappingStartEvent, line, anchor));
    if (!(start instanceof MappingStartEvent || start instanceof SequenceStartEvent)) {
      throw new IllegalStateException("a collection that is neither: " + start.getEventId());
    }
  }

  private void end() throws ConfigException {
    Open done = open.pop();
    Value value;
    if (done.isMapping) {
      merge(done);
      value = new Mapping(Collections.unmodifiableMap(done.entries), done.line);
    } else {
      value = new Sequence(Collections.unmodifiableList(done.items), done.line);
    }
    remember(done.anchor, value);
    add(value);
  }

  /**
   * A key of the mapping itself comes before one that is merged, an earlier merge before a later.
   */
  private void merge(Open done) throws ConfigException {
    for (Mapping merged : done.merges) {
      mergedCount += merged.entries().size();
      if (mergedCount > MERGED_MAX) {
        throw text.wrong(done.line, "more than " + MERGED_MAX + " keys are merged");
      }
      merged.entries().forEach(done.entries::putIfAbsent);
    }
  }

  private void refuseAsKey(int line) throws ConfigException {
    Open parent = open.peek();
    if (parent != null && parent.isMapping && parent.key == null) {
      throw text.wrong(line, "a key is a single value");
    }
  }

  /** Puts a whole value where it belongs. */
  private void add(Value value) throws ConfigException {
    Open parent = open.peek();
    if (parent == null) {
      root = value;
    } else if (!parent.isMapping) {
      parent.items.add(value);
    } else if (parent.key == null) {
      if (!(value instanceof Scalar key)) {
        throw text.wrong(value.line(), "a key is a single value");
      }
      parent.key = key.text();
      parent.keyLine = key.line();
    } else {
      put(parent, parent.key, value);
      parent.key = null;
    }
  }

  private void put(Open parent, String key, Value value) throws ConfigException {
    if (key.equals(MERGE)) {
      addMerges(parent, value);
      return;
    }
    Entry before = parent.entries.put(key, new Entry(value, parent.keyLine));
    if (before != null) {
      throw text.wrong(
          parent.keyLine,
          "the key \""
              + key
              + "\" is given twice, on line "
              + text.original(before.line())
              + " too");
    }
  }

  private void addMerges(Open parent, Value value) throws ConfigException {
    List<Value> all = value instanceof Sequence list ? list.items() : List.of(value);
    for (Value one : all) {
      if (!(one instanceof Mapping mapping)) {
        throw text.wrong(parent.keyLine, "<< takes a mapping or a list of mappings");
      }
      parent.merges.add(mapping);
    }
  }
}
