package dev.sluice.architecture;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import javax.xml.parsers.DocumentBuilderFactory;
import javax.xml.parsers.ParserConfigurationException;
import org.w3c.dom.Document;
import org.w3c.dom.Element;
import org.w3c.dom.Node;
import org.xml.sax.SAXException;

/**
 * One Maven module, as its own POM states it (what it inherits is not repeated here).
 *
 * @param artifact its artifactId
 * @param isAggregator whether it only holds other modules
 * @param dependencies in the order of the POM, those of profiles and plugins left out
 */
record Module(String artifact, boolean isAggregator, List<Dependency> dependencies) {

  /** One dependency; scope is {@code compile} where none is written. */
  record Dependency(String group, String artifact, String scope, boolean isOptional) {
    boolean isTest() {
      return scope.equals("test");
    }

    boolean isOurs() {
      return group.equals("dev.sluice");
    }
  }

  /** Reads the POM in {@code folder} and those of all modules it names, at any depth. */
  static List<Module> readTree(Path folder) throws IOException {
    List<Module> modules = new ArrayList<>();
    read(folder, modules);
    return modules;
  }

  private static void read(Path folder, List<Module> modules) throws IOException {
    Element project = parse(folder.resolve("pom.xml"));
    modules.add(of(project));
    for (Element list : children(project, "modules")) {
      for (Element module : children(list, "module")) {
        read(folder.resolve(module.getTextContent().strip()), modules);
      }
    }
  }

  private static Module of(Element project) {
    List<Dependency> dependencies = new ArrayList<>();
    for (Element list : children(project, "dependencies")) {
      for (Element dependency : children(list, "dependency")) {
        String scope = text(dependency, "scope");
        dependencies.add(
            new Dependency(
                text(dependency, "groupId"),
                text(dependency, "artifactId"),
                scope.isEmpty() ? "compile" : scope,
                text(dependency, "optional").equals("true")));
      }
    }
    return new Module(
        text(project, "artifactId"),
        text(project, "packaging").equals("pom"),
        List.copyOf(dependencies));
  }

  private static Element parse(Path pom) throws IOException {
    try {
      DocumentBuilderFactory factory = DocumentBuilderFactory.newInstance();
      factory.setFeature("http://apache.org/xml/features/disallow-doctype-decl", true);
      Document document = factory.newDocumentBuilder().parse(pom.toFile());
      return document.getDocumentElement();
    } catch (ParserConfigurationException | SAXException e) {
      throw new IOException("read " + pom + ": " + e.getMessage(), e);
    }
  }

  private static String text(Element parent, String name) {
    List<Element> found = children(parent, name);
    return found.isEmpty() ? "" : found.get(0).getTextContent().strip();
  }

  private static List<Element> children(Element parent, String name) {
    List<Element> found = new ArrayList<>();
    for (Node node = parent.getFirstChild(); node != null; node = node.getNextSibling()) {
      if (node instanceof Element element && element.getTagName().equals(name)) {
        found.add(element);
      }
    }
    return found;
  }
}
