package dev.sluice.replicator.config;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sluice.replicator.config.ConfigurationFile.Variables;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What is wrong is said in one line, with the line of the file. */
final class ConfigMessagesTest {

  @TempDir private Path folder;

  @ParameterizedTest
  @CsvSource(
      delimiter = '#',
      quoteCharacter = '~',
      value = {
        "adr: x                # 1: unknown key \"adr\" in the top level (did you mean \"addr\"?)",
        "DBS: []               # 1: unknown key \"DBS\" in the top level (did you mean \"dbs\"?)",
        "frobnicate: 1         # 1: unknown key \"frobnicate\" in the top level",
        "l0_retention: 1m      # 1: unknown key \"l0_retention\" in the top level (did you mean \"l0-retention\"?)",
        "pattern: x            # 1: unknown key \"pattern\" in the top level (it belongs in dbs[])",
        "dbs: [{path: /a, sync-interval: 1s}]  # 1: unknown key \"sync-interval\" in dbs[] (it belongs in replica)",
        "dbs: [{path: /a, replica: {path: /r, watch: 1}}] # 1: unknown key \"watch\" in replica (it belongs in dbs[])",
        "logging: {typ: json}  # 1: unknown key \"typ\" in logging (did you mean \"type\"?)",
        "age: {foo: 1}         # 1: unknown key \"foo\" in age",
        "validation: {every: 1m} # 1: unknown key \"every\" in validation",
        "l0-retention: 10      # 1: l0-retention: not a duration (as 1h30m, 500ms or PT1H30M): \"10\"; the unit is missing",
        "l0-retention: 1d      # 1: l0-retention: not a duration (as 1h30m, 500ms or PT1H30M): \"1d\"",
        "l0-retention: -5m     # 1: l0-retention: a duration is not negative: \"-5m\"",
        "sync-interval: 0s     # 1: sync-interval: is 1ms or more (as 30s): \"0s\"",
        "part-size: 5 apples   # 1: part-size: not a size (bytes, or as 5MB or 5MiB): \"5 apples\"",
        "concurrency: 0        # 1: concurrency: not a whole number, 1 or more: \"0\"",
        "concurrency: 1.5      # 1: concurrency: not a whole number, 1 or more: \"1.5\"",
        "concurrency: 99999999999 # 1: concurrency: not a whole number, 1 or more: \"99999999999\"",
        "max-reconnects: many  # 1: max-reconnects: not a whole number: \"many\"",
        "skip-verify: ture     # 1: skip-verify: neither true nor false: \"ture\"",
        "socket: {permissions: 600}  # 1: socket.permissions: not a file mode in octal (as 0600): \"600\"",
        "socket: {permissions: 07777} # 1: socket.permissions: not a file mode in octal (as 0600): \"07777\"",
        "logging: {level: loud} # 1: logging.level: none of trace, debug, info, warn, error: \"loud\"",
        "logging: {type: xml}  # 1: logging.type: none of text, json, pretty: \"xml\"",
        "addr: 9090            # 1: addr: not an address (as :9090 or 127.0.0.1:9090): \"9090\"",
        "addr: :99999          # 1: addr: not an address (as :9090 or 127.0.0.1:9090): \":99999\"",
        "heartbeat-url: ftp://hush # 1: heartbeat-url: is not http://... or https://...",
        "heartbeat-interval: 10s # 1: heartbeat-interval: is 1m or more, so that nobody is flooded",
        "levels: []            # 1: levels: one at least is needed",
        "levels: [{}]          # 1: levels: a level has no interval",
        "levels: [{interval: 500us}] # 1: levels[].interval: is 1ms or more (as 30s): \"500us\"",
        "dbs: [{path: a, replica: {path: r, lease-ttl: 500ms}}] # 1: lease-ttl: is 1s or more",
        "levels: [{interval: 0s}] # 1: levels[].interval: is 1ms or more (as 30s): \"0s\"",
        "dbs: x                # 1: dbs: a list is expected, not a single value",
        "dbs: {path: x}        # 1: dbs: a list is expected, not a mapping",
        "dbs: [x]              # 1: dbs: a mapping is expected, not a single value",
        "dbs: [~]              # 1: dbs: an item of the list is empty",
        "addr: [x]             # 1: addr: a single value is expected, not a list",
        "socket: true          # 1: socket: a mapping is expected, not a single value",
        "root-cas: [[x]]       # 1: root-cas: a list of single values is expected",
        "- x                   # 1: a mapping with keys such as dbs is expected, not a list",
        "just words            # 1: a mapping with keys such as dbs is expected, not a single value",
        "[x]: y                # 1: a key is a single value",
        "addr: !!java.io.File x # 1: the tag tag:yaml.org,2002:java.io.File means nothing here",
        "addr: *nobody         # 1: *nobody stands for nothing: there is no &nobody before it",
        "x-a: &a [*a]          # 1: *a stands for something that it is a part of",
        "socket: {<<: x}       # 1: << takes a mapping or a list of mappings",
        "dbs: [{replica: {path: /r}}]   # 1: the database has neither path nor dir",
        "dbs: [{path: /a, dir: /b}]     # 1: path and dir exclude each other",
        "dbs: [{path: /a}]              # 1: the database has no replica",
        "dbs: [{path: /a, pattern: x}]  # 1: pattern: is for dir, not for path",
        "dbs: [{path: /a, watch: true}] # 1: watch: is for dir, not for path",
        "dbs: [{path: /, replica: {path: /r}}] # 1: path: is not that of a file: \"/\"",
        "dbs: [{path: /a, spool-limit: 1MB, replica: {path: /r}}] # 1: spool-limit: is 64MiB or more, not 1000000 bytes",
        "dbs: [{dir: /a, replica: {path: /r}}] # 1: dir: needs a pattern (as pattern: \"*.db\")",
        "dbs: [{dir: /a, pattern: \"[a\", replica: {path: /r}}] # 1: pattern: not a pattern of file names (as *.db or tenant-[0-9]?.sqlite): \"[a\"",
        "dbs: [{dir: /a, pattern: x, meta-path: /m, meta-dir: /n}] # 1: meta-path and meta-dir exclude each other",
        "dbs: [{path: \"/\\0\", replica: {path: /r}}] # 1: there can be no such path: \"/?\"",
      })
  void messageSaysWhatIsWrong(String text, String message) {
    assertEquals("litestream.yml:" + message, Given.refusal(text.strip()));
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '#',
      quoteCharacter = '~',
      value = {
        "{}                            # 3: the replica has neither url nor path",
        "{url: s3://b/a, path: x}      # 3: path and url exclude each other",
        "{url: bucket/a}               # 3: url: has no scheme (as s3://BUCKET/PATH; a directory is given by path)",
        "{url: s3://}                  # 3: url: replica URL s3:...: the bucket or host is missing",
        "{url: s3://b/a, bucket: b}    # 3: bucket and url exclude each other",
        "{url: s3://b/a, type: file}   # 3: type: \"file\" is not that of the url",
        "{url: gs://b/a}               # 3: url: there is no storage for \"gs\" here (known: file, s3)",
        "{url: webdavs://h/a, type: webdav} # 3: url: there is no storage for \"webdav\" here (known: file, s3)",
        "{type: sftp, host: h}         # 3: type: there is no storage for \"sftp\" here (known: file, s3)",
        "{type: s4, bucket: b}         # 3: type: unknown type \"s4\" (known: file, s3)",
        "{url: fil://b/a}              # 3: url: unknown type \"fil\" (did you mean \"file\"?)",
        "{bucket: b, path: p}          # 3: bucket: which storage it is in is not said; add \"type: s3\"",
        "{type: s3, path: p}           # 3: the bucket of the s3 replica is not said",
        "{type: s3, bucket: b, path: a/../b} # 3: path: \"..\" in an object key means nothing",
        "{path: s3://b/a}              # 3: path: is a URL; write it as url",
        "{url: s3://b/a?region=r1, region: r2} # 3: region: the query of the url says something else",
        "{url: s3://b/a, part-size: 1MB} # 3: part-size: is 5MiB to 5GiB, not 1000000 bytes",
        "{url: s3://b/a, access-key-id: hush} # 3: access-key-id: secret-access-key is not given",
        "{url: s3://b/a, secret-access-key: hush, access-key-id: $NO} # 3: secret-access-key: access-key-id is not given ($NO is not set)",
        "{url: s3://b/a, sse-customer-key: hush, sse-kms-key-id: k} # 3: sse-customer-key and sse-kms-key-id exclude each other",
        "{url: s3://b/a, sse-customer-key-path: /no/such} # 3: sse-customer-key-path: cannot be read: /no/such",
        "{path: /r, age: {identities: [hush]}} # 3: age.identities: nothing here encrypts with age: the replica would not be encrypted",
        "{path: $NO}                   # 3: the replica has neither url nor path ($NO is not set)",
      })
  void messageSaysWhatIsWrongWithAReplica(String replica, String message) {
    String refusal = Given.refusal("dbs:\n- path: /a.db\n  replica: " + replica.strip());
    assertEquals("litestream.yml:" + message, refusal);
    assertFalse(refusal.contains("hush"));
  }

  @Test
  void keyThatIsGivenTwiceNamesBothLines() {
    assertEquals(
        "litestream.yml:4: the key \"addr\" is given twice, on line 2 too",
        Given.refusal("# one\naddr: :1\nexec: x\naddr: :2\n"));
  }

  @Test
  void secondReplicaIsRefused() {
    String text = "dbs:\n- path: /a.db\n  replicas:\n  - url: s3://b/1\n  - url: s3://b/2\n";
    assertEquals(
        "litestream.yml:5: replicas: a database has one replica; a second copy is made by the"
            + " storage, or from the first",
        Given.refusal(text));
    assertEquals(
        "litestream.yml:3: replica and replicas exclude each other",
        Given.refusal(
            "dbs:\n- path: /a.db\n  replicas:\n  - url: s3://b/1\n  replica: {path: /r}\n"));
  }

  @Test
  void databasesThatShareSomethingAreBothNamed() {
    assertEquals(
        "litestream.yml:3: /b.db has the replica s3://b/x of /a.db (litestream.yml:2): each database"
            + " has its own",
        Given.refusal(
            """
            dbs:
            - {path: /a.db, replica: {url: s3://b/x}}
            - {path: /b.db, replica: {type: s3, bucket: b, path: x/}}
            """));
    assertEquals(
        "litestream.yml:3: /a.db has the same database as /a.db (litestream.yml:2): each database"
            + " has its own",
        Given.refusal(
            "dbs:\n- {path: /a.db, replica: {path: /1}}\n- {path: /x/../a.db, replica: {path: /2}}"));
    assertEquals(
        "litestream.yml:3: /b.db has the meta-path of /a.db (litestream.yml:2): each database has its"
            + " own",
        Given.refusal(
            "dbs:\n- {path: /a.db, meta-path: /m, replica: {path: /1}}\n"
                + "- {path: /b.db, meta-path: /m, replica: {path: /2}}"));
    assertEquals(
        "litestream.yml:2: /t/a.db is also in dir /t of litestream.yml:3",
        Given.refusal(
            "dbs:\n- {path: /t/a.db, replica: {path: /1}}\n"
                + "- {dir: /t, pattern: '*.db', replica: {path: /2}}"));
  }

  @Test
  void samePathInTwoStoragesIsNoClash() {
    assertEquals(
        2,
        Given.read(
                """
                dbs:
                - {path: /a.db, replica: {url: "s3://b/x?endpoint=http://one"}}
                - {path: /b.db, replica: {url: "s3://b/x?endpoint=http://two"}}
                """)
            .databases()
            .size());
  }

  @Test
  void snapshotSettingsThatDifferAreRefused() {
    assertEquals(
        "litestream.yml:3: snapshot.interval: is one for all databases, and line 2 says another",
        Given.refusal(
            "dbs:\n- {path: /a, snapshot: {interval: 1h}, replica: {path: /1}}\n"
                + "- {path: /b, snapshot: {interval: 2h}, replica: {path: /2}}"));
  }

  @Test
  void moreThanEightLevelsAreRefused() {
    assertEquals(
        "litestream.yml:10: levels: 8 at most, level 9 holds the snapshots",
        Given.refusal("levels:\n" + "- interval: 1m\n".repeat(9)));
  }

  @Test
  void brokenYamlIsSaidWithoutTheTextAroundIt() {
    String refusal = Given.refusal("secret-access-key: hush\naddr: \"x\n");
    assertTrue(refusal.startsWith("litestream.yml:3: this is not YAML: "), refusal);
    assertFalse(refusal.contains("hush"), refusal);
    String tab = Given.refusal("addr: x\n\tsecret: hush\n");
    assertTrue(tab.startsWith("litestream.yml:2: this is not YAML: "), tab);
    assertFalse(tab.contains("hush"), tab);
    String control = Given.refusal("addr: x\nexec: \u0001hush\n");
    assertEquals("litestream.yml:2: this is not YAML: a character that may not be in it", control);
  }

  @Test
  void secondDocumentIsRefused() {
    assertEquals(
        "litestream.yml:2: a second document begins here; a configuration is one",
        Given.refusal("addr: :1\n---\naddr: :2\n"));
  }

  @Test
  void depthAndMergingHaveLimits() {
    assertEquals(
        "litestream.yml:1: more than 50 levels deep", Given.refusal("x-a: " + "[".repeat(100_000)));
    StringBuilder bomb = new StringBuilder("x-0: &m0 {a0: 1, b0: 1}\n");
    for (int i = 1; i < 40; i++) {
      bomb.append("x-%d: &m%d {<<: [*m%d, *m%d], k%d: 1}\n".formatted(i, i, i - 1, i - 1, i));
    }
    assertEquals(0, Given.read(bomb.toString()).databases().size());
    StringBuilder wide = new StringBuilder("x-0: &m {");
    for (int i = 0; i < 2_000; i++) {
      wide.append("k").append(i).append(": 1, ");
    }
    wide.append("}\nx-1:\n");
    wide.append("- {<<: *m}\n".repeat(600));
    assertTrue(Given.refusal(wide.toString()).endsWith(": more than 1000000 keys are merged"));
  }

  @Test
  void lineIsThatOfTheFileWhateverAVariableHolds() {
    assertEquals(
        "litestream.yml:4: unknown key \"nope\" in the top level",
        Given.refusal(
            "exec: |\n  $TWO\naddr: :1\nnope: 1\n", Map.of("TWO", "first\n  second\n  third")));
    assertEquals(
        "litestream.yml:2: unknown key \"nope\" in the top level",
        Given.refusal("addr: :1\n$ALL", Map.of("ALL", "exec: x\nnope: 1")));
  }

  @Test
  void unsetVariableIsNamed() {
    assertEquals(
        "litestream.yml:2: the database has neither path nor dir ($DATABASE is not set)",
        Given.refusal("dbs:\n- path: $DATABASE\n  replica: {path: /r}\n"));
  }

  @Test
  void fileThatCannotBeReadIsSaid() throws IOException {
    assertEquals("/no/such.yml: no such file", fileRefusal("/no/such.yml"));
    assertTrue(fileRefusal(folder.toString()).startsWith(folder + ": cannot be read: "));
    Path latin = Files.write(folder.resolve("l1"), new byte[] {'#', '\n', '#', (byte) 0xe9, '\n'});
    assertEquals(latin + ":2: is not UTF-8", fileRefusal(latin.toString()));
  }

  private static String fileRefusal(String name) {
    return String.valueOf(
        assertThrows(
                ConfigException.class,
                () ->
                    ConfigurationFile.read(name, Variables.EXPANDED, Given.surroundings(Map.of())))
            .getMessage());
  }
}
