package dev.sluice.replicator.config;

import dev.sluice.replicator.config.Value.Mapping;
import java.net.URI;
import java.net.URISyntaxException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/** Reads a whole configuration. Confined to one thread at a time; for one file. */
final class TopReader {
  private final Reading reading;
  private final Section top;

  private TopReader(Reading reading, Section top) {
    this.reading = reading;
    this.top = top;
  }

  static Configuration read(Reading reading) throws ConfigException {
    Optional<Value> root = YamlReader.read(reading.text());
    Section top;
    if (root.isPresent() && root.get() instanceof Mapping mapping) {
      top = new Section(reading, Scope.TOP, mapping);
    } else if (root.isEmpty() || (root.get() instanceof Value.Scalar scalar && scalar.isNull())) {
      top = Section.empty(reading, Scope.TOP, 1);
    } else {
      throw reading.wrong(
          root.get().line(),
          "a mapping with keys such as dbs is expected, not " + root.get().kind());
    }
    return new TopReader(reading, top).read();
  }

  private Configuration read() throws ConfigException {
    top.section("validation", Scope.VALIDATION);
    top.section("age", Scope.AGE);
    List<Section> sections = top.sections("dbs", Scope.DATABASE);
    HistorySettings history = history(sections);
    DaemonSettings daemon = daemon();
    List<DatabaseEntry> databases = new ArrayList<>();
    List<DirectoryEntry> directories = new ArrayList<>();
    for (Section section : sections) {
      DatabaseReader reader = new DatabaseReader(reading, section, top);
      if (reader.isDirectory()) {
        directories.add(reader.directory());
      } else {
        databases.add(reader.database());
      }
    }
    Clashes.refuse(databases, directories);
    return new Configuration(
        databases,
        directories,
        history,
        daemon,
        reading.warnings(),
        new TopRegistration(reading.text(), reading.surroundings(), top.mapping()));
  }

  private HistorySettings history(List<Section> databases) throws ConfigException {
    HistorySettings defaults = HistorySettings.DEFAULT;
    Optional<Section> retention = top.section("retention", Scope.RETENTION);
    return new HistorySettings(
        levels(),
        snapshot("interval", databases).orElse(defaults.snapshotInterval()),
        snapshot("retention", databases).orElse(defaults.snapshotRetention()),
        duration("l0-retention", defaults.l0Retention()),
        retention.isEmpty()
            || retention.get().flag("enabled").map(Setting::value).orElse(defaults.deletes()));
  }

  private List<Duration> levels() throws ConfigException {
    List<Section> sections = top.sections("levels", Scope.LEVEL);
    if (sections.isEmpty() && top.has("levels") && top.isList("levels")) {
      throw reading.wrong(top.lineOf("levels"), "levels: one at least is needed");
    } else if (sections.isEmpty()) {
      return HistorySettings.DEFAULT.levels();
    } else if (sections.size() > HistorySettings.LEVELS_MAX) {
      throw reading.wrong(
          sections.get(HistorySettings.LEVELS_MAX).line(),
          "levels: " + HistorySettings.LEVELS_MAX + " at most, level 9 holds the snapshots");
    }
    List<Duration> levels = new ArrayList<>();
    for (Section section : sections) {
      Optional<Setting<Duration>> interval = section.duration("interval");
      if (interval.isEmpty()) {
        throw reading.wrong(section.line(), "levels: a level has no interval");
      }
      levels.add(interval.get().value());
    }
    return levels;
  }

  /** What databases say of snapshots holds for all of them, as for Litestream. */
  private Optional<Duration> snapshot(String name, List<Section> databases) throws ConfigException {
    Optional<Section> global = top.section("snapshot", Scope.SNAPSHOT);
    Optional<Duration> ofAll =
        global.isEmpty() ? Optional.empty() : global.get().duration(name).map(Setting::value);
    Optional<Setting<Duration>> first = Optional.empty();
    for (Section database : databases) {
      Optional<Section> own = database.section("snapshot", Scope.SNAPSHOT);
      Optional<Setting<Duration>> said =
          own.isEmpty() ? Optional.empty() : own.get().duration(name);
      if (said.isPresent() && ofAll.isPresent()) {
        reading.warn(said.get().line(), "snapshot." + name, "that of the top level holds");
      } else if (said.isPresent() && first.isPresent()) {
        if (!said.get().value().equals(first.get().value())) {
          throw reading.wrong(
              said.get().line(),
              "snapshot."
                  + name
                  + ": is one for all databases, and line "
                  + reading.text().original(first.get().line())
                  + " says another");
        }
      } else if (said.isPresent()) {
        first = said;
      }
    }
    return ofAll.isPresent() ? ofAll : first.map(Setting::value);
  }

  private DaemonSettings daemon() throws ConfigException {
    DaemonSettings defaults = DaemonSettings.DEFAULT;
    return new DaemonSettings(
        metrics(),
        socket(),
        heartbeat(),
        top.text("exec").map(Setting::value),
        logging(),
        duration("shutdown-sync-timeout", defaults.shutdownSyncTimeout()),
        duration("health-lag-limit", defaults.healthLagLimit()));
  }

  private Optional<ListenAddress> metrics() throws ConfigException {
    Optional<Setting<String>> addr = top.text("addr");
    try {
      return addr.map(setting -> ListenAddress.parse(setting.value()));
    } catch (IllegalArgumentException e) {
      throw reading.wrong(top.lineOf("addr"), "addr: " + e.getMessage());
    }
  }

  private SocketSettings socket() throws ConfigException {
    SocketSettings defaults = SocketSettings.DEFAULT;
    Optional<Section> found = top.section("socket", Scope.SOCKET);
    if (found.isEmpty()) {
      return defaults;
    }
    Section section = found.get();
    Optional<Setting<String>> path = section.text("path");
    return new SocketSettings(
        section.flag("enabled").map(Setting::value).orElse(defaults.isEnabled()),
        path.isPresent() ? reading.path(path.get()) : defaults.path(),
        section.mode("permissions").map(Setting::value).orElse(defaults.mode()));
  }

  private Optional<Heartbeat> heartbeat() throws ConfigException {
    Optional<Setting<Duration>> interval = top.duration("heartbeat-interval");
    if (interval.isPresent() && interval.get().value().compareTo(Heartbeat.INTERVAL_MIN) < 0) {
      throw reading.wrong(
          interval.get().line(), "heartbeat-interval: is 1m or more, so that nobody is flooded");
    }
    Optional<Setting<String>> url = top.text("heartbeat-url");
    if (url.isEmpty()) {
      return Optional.empty();
    }
    return Optional.of(
        new Heartbeat(
            heartbeatUrl(url.get()), interval.map(Setting::value).orElse(Heartbeat.INTERVAL)));
  }

  /** It is not quoted: whoever has it can say that all is well. */
  private URI heartbeatUrl(Setting<String> setting) throws ConfigException {
    try {
      URI url = new URI(setting.value());
      String scheme = String.valueOf(url.getScheme());
      if ((scheme.equals("http") || scheme.equals("https")) && url.getHost() != null) {
        return url;
      }
    } catch (URISyntaxException e) {
      // Said below, without its text.
    }
    throw reading.wrong(setting.line(), "heartbeat-url: is not http://... or https://...");
  }

  private LoggingSettings logging() throws ConfigException {
    LoggingSettings defaults = LoggingSettings.DEFAULT;
    Section section =
        top.section("logging", Scope.LOGGING)
            .orElseGet(() -> Section.empty(reading, Scope.LOGGING, 1));
    return new LoggingSettings(
        level(section).orElse(defaults.level()),
        section.word("type", LoggingSettings.Type.class).orElse(defaults.type()),
        section.flag("stderr").map(Setting::value).orElse(defaults.toStderr()),
        section.flag("source").map(Setting::value).orElse(defaults.showsSource()));
  }

  /**
   * The variable counts before the key, as for Litestream. Other programs have one of that name, so
   * a word that is no level is passed over.
   */
  private Optional<LoggingSettings.Level> level(Section section) throws ConfigException {
    Optional<LoggingSettings.Level> written = section.word("level", LoggingSettings.Level.class);
    return reading
        .surroundings()
        .environment()
        .get("LOG_LEVEL")
        .flatMap(word -> Words.find(LoggingSettings.Level.class, word))
        .or(() -> written);
  }

  private Duration duration(String name, Duration otherwise) throws ConfigException {
    return top.duration(name).map(Setting::value).orElse(otherwise);
  }
}
