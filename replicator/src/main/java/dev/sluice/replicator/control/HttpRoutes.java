package dev.sluice.replicator.control;

import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.CompletableFuture;

/** Finds the handler of a request by its path and method. Immutable once it serves. */
public final class HttpRoutes implements HttpHandler {
  private final Map<String, Map<String, HttpHandler>> byPath = new LinkedHashMap<>();

  /** Adds a handler, and returns this. */
  public HttpRoutes on(String method, String path, HttpHandler handler) {
    byPath.computeIfAbsent(path, unused -> new LinkedHashMap<>()).put(method, handler);
    return this;
  }

  @Override
  public CompletableFuture<HttpReply> answer(HttpCall call) {
    Map<String, HttpHandler> methods = byPath.getOrDefault(call.path(), Map.of());
    if (methods.isEmpty()) {
      Set<String> known = new TreeSet<>(byPath.keySet());
      return refuse(HttpReply.NOT_FOUND, "no such endpoint: " + call.path() + "; " + known);
    }
    String method = call.method().equals("HEAD") ? "GET" : call.method();
    HttpHandler handler = methods.get(method);
    if (handler == null) {
      String known = String.join(", ", new TreeSet<>(methods.keySet()));
      return refuse(HttpReply.METHOD_NOT_ALLOWED, call.path() + " takes " + known + " only");
    }
    return handler.answer(call);
  }

  private static CompletableFuture<HttpReply> refuse(int status, String why) {
    return CompletableFuture.completedFuture(HttpReply.error(status, why));
  }
}
