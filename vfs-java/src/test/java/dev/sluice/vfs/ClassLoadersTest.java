package dev.sluice.vfs;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sluice.testkit.Golden;
import java.io.File;
import java.lang.reflect.InvocationTargetException;
import java.net.MalformedURLException;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.file.Path;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Web applications in one JVM, each with Sluice in a class loader of its own. */
final class ClassLoadersTest {
  private static final Golden HISTORY = Golden.named("small-4096");
  private static final String ANSWER = "0000000000000006 ok";

  @TempDir Path folder;
  private String url = "";

  /** Where sqlite-jdbc and JNA are. */
  enum Libraries {
    /** In the container, once: every application uses the same SQLite. */
    SHARED,
    /** In each application: as many SQLites as applications. */
    OWN
  }

  @BeforeEach
  void makeReplica() {
    Sluice.unregister(); // this test's own class loader is an application too
    url = Urls.jdbc("file:" + HISTORY.copyTo(folder.resolve("replica")), "poll_interval=20ms");
  }

  /** Returns a loader that finds Sluice itself, and the libraries there or in this test's. */
  private static URLClassLoader application(Libraries libraries) throws MalformedURLException {
    List<URL> urls = new ArrayList<>();
    for (String entry : System.getProperty("java.class.path").split(File.pathSeparator, -1)) {
      urls.add(Path.of(entry).toUri().toURL());
    }
    ClassLoader parent =
        switch (libraries) {
          case OWN -> ClassLoader.getPlatformClassLoader();
          case SHARED -> new Container();
        };
    return new URLClassLoader(urls.toArray(URL[]::new), parent);
  }

  /** Knows the test's libraries, and nothing of Sluice. */
  private static final class Container extends ClassLoader {
    Container() {
      super(ClassLoader.getPlatformClassLoader());
    }

    @Override
    protected Class<?> findClass(String name) throws ClassNotFoundException {
      if (name.startsWith("org.sqlite.") || name.startsWith("com.sun.jna.")) {
        return ClassLoadersTest.class.getClassLoader().loadClass(name);
      }
      throw new ClassNotFoundException(name);
    }
  }

  private static Object call(ClassLoader application, String method, Object... arguments)
      throws Exception {
    Class<?>[] types = arguments.length == 0 ? new Class<?>[0] : new Class<?>[] {String.class};
    try {
      return String.valueOf(
          application
              .loadClass(Webapp.class.getName())
              .getMethod(method, types)
              .invoke(null, arguments));
    } catch (InvocationTargetException e) {
      throw (Exception) e.getCause();
    }
  }

  @ParameterizedTest
  @EnumSource(Libraries.class)
  void anApplicationIsRedeployed(Libraries libraries) throws Exception {
    for (int i = 0; i < 3; i++) {
      try (URLClassLoader application = application(libraries)) {
        assertEquals(ANSWER, call(application, "start", url));
        call(application, "stop");
      }
    }
  }

  @ParameterizedTest
  @EnumSource(Libraries.class)
  void twoAtOnceIsOneClearError(Libraries libraries) throws Exception {
    try (URLClassLoader first = application(libraries);
        URLClassLoader second = application(libraries)) {
      assertEquals(ANSWER, call(first, "start", url));
      SQLException refused = assertThrows(SQLException.class, () -> call(second, "start", url));
      assertTrue(
          String.valueOf(refused.getMessage()).contains("Sluice.unregister()"),
          refused::getMessage);
      assertEquals("0000000000000006", call(first, "txid"));
      call(first, "stop");
      assertEquals(ANSWER, call(second, "start", url));
      call(second, "stop");
    }
  }

  @Test
  void connectionsThatWereLeftOpenAnswerErrorsAndMayBeClosedLate() throws Exception {
    try (URLClassLoader first = application(Libraries.SHARED);
        URLClassLoader second = application(Libraries.SHARED)) {
      assertEquals(ANSWER, call(first, "start", url));
      call(first, "stopCarelessly");
      assertThrows(SQLException.class, () -> call(first, "txid"));
      assertEquals(ANSWER, call(second, "start", url));
      assertThrows(SQLException.class, () -> call(first, "txid"));
      call(first, "closeLate");
      assertEquals("0000000000000006", call(second, "txid"));
      call(second, "stop");
    }
  }
}
