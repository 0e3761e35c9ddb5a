package dev.sluice.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

final class StatementSplitterTest {

  @ParameterizedTest
  @MethodSource("texts")
  void textIsCutWhereSqliteCutsIt(String text, List<String> statements) {
    assertEquals(statements, StatementSplitter.split(text));
  }

  static Stream<Arguments> texts() {
    String trigger =
        "CREATE TRIGGER t AFTER INSERT ON a BEGIN SELECT 1; SELECT CASE WHEN 1 THEN 2 END; END;";
    return Stream.of(
        cut(""),
        cut(" ;; \n; "),
        cut("-- only a comment"),
        cut("/* only */ ; -- comments\n"),
        cut("SELECT 1", "SELECT 1"),
        cut("SELECT 1;", "SELECT 1;"),
        cut("SELECT 1; SELECT 2", "SELECT 1;", "SELECT 2"),
        cut("SELECT ';'; SELECT 'it''s; one'", "SELECT ';';", "SELECT 'it''s; one'"),
        cut("SELECT \"a;b\", `c;d`, [e;f]; SELECT 2", "SELECT \"a;b\", `c;d`, [e;f];", "SELECT 2"),
        cut("SELECT 1 -- a; b\n; SELECT 2", "SELECT 1 -- a; b\n;", "SELECT 2"),
        cut("SELECT 1 /* a; b */; SELECT 2", "SELECT 1 /* a; b */;", "SELECT 2"),
        cut("SELECT '-- no comment; '; SELECT 2", "SELECT '-- no comment; ';", "SELECT 2"),
        cut("SELECT 1-1; SELECT 4/2", "SELECT 1-1;", "SELECT 4/2"),
        cut(trigger + " SELECT 3", trigger, "SELECT 3"),
        cut(
            trigger.replace("CREATE", "create temp") + "SELECT 3",
            trigger.replace("CREATE", "create temp"),
            "SELECT 3"),
        cut(
            "EXPLAIN QUERY PLAN " + trigger + "SELECT 3",
            "EXPLAIN QUERY PLAN " + trigger,
            "SELECT 3"),
        cut("BEGIN; SELECT 1; END; SELECT 2", "BEGIN;", "SELECT 1;", "END;", "SELECT 2"),
        cut("CREATE TABLE trigger_of (a); SELECT 1", "CREATE TABLE trigger_of (a);", "SELECT 1"),
        cut("SELECT 'unfinished; SELECT 2", "SELECT 'unfinished; SELECT 2"),
        cut("SELECT 1 /* unfinished; SELECT 2", "SELECT 1 /* unfinished; SELECT 2"),
        cut("SELECT 'é;';SELECT é", "SELECT 'é;';", "SELECT é"),
        cut("-- first\nSELECT 1; -- last", "-- first\nSELECT 1;"));
  }

  private static Arguments cut(String text, String... statements) {
    return Arguments.of(text, List.of(statements));
  }
}
