package dev.sluice.replicator.config;

import java.io.IOException;
import java.nio.file.AccessDeniedException;
import java.nio.file.FileVisitResult;
import java.nio.file.FileVisitor;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/** One look at one directory. Confined to one thread at a time. */
final class DirectoryScan implements FileVisitor<Path> {
  private final DirectoryEntry entry;
  private final Headers headers;
  private final Set<Path> before;
  private final Set<Path> found = new TreeSet<>();
  private final Set<Path> folders = new LinkedHashSet<>();
  private final List<String> problems = new ArrayList<>();

  /**
   * What a directory holds.
   *
   * @param paths of its databases, sorted
   * @param folders it and those below it that count
   */
  record Contents(List<Path> paths, List<Path> folders, List<String> problems) {}

  /**
   * @param before the paths that the last look found: what is still there is still a database
   */
  DirectoryScan(DirectoryEntry entry, Headers headers, List<Path> before) {
    this.entry = entry;
    this.headers = headers;
    this.before = new LinkedHashSet<>(before);
  }

  Contents look() {
    int depth = entry.isRecursive() ? Integer.MAX_VALUE : 1;
    try {
      Files.walkFileTree(
          entry.directory(), EnumSet.noneOf(java.nio.file.FileVisitOption.class), depth, this);
    } catch (IOException e) {
      fail(entry.directory(), e);
    }
    if (found.isEmpty() && problems.isEmpty() && !entry.isWatched()) {
      problems.add("no database in " + entry.directory() + " matches " + entry.pattern());
    }
    return new Contents(List.copyOf(found), List.copyOf(folders), List.copyOf(problems));
  }

  /** The spools of databases are none of their folders. */
  @Override
  public FileVisitResult preVisitDirectory(Path folder, BasicFileAttributes attributes) {
    boolean isSpool =
        !folder.equals(entry.directory())
            && String.valueOf(folder.getFileName()).endsWith(DatabaseEntry.META_SUFFIX);
    if (isSpool) {
      return FileVisitResult.SKIP_SUBTREE;
    }
    folders.add(folder);
    return FileVisitResult.CONTINUE;
  }

  @Override
  public FileVisitResult visitFile(Path file, BasicFileAttributes attributes) {
    if (file.equals(entry.directory())) {
      problems.add(file + " is not a directory");
    } else if (!attributes.isDirectory() && entry.isNamedLikeOne(file)) {
      boolean isKnown = before.contains(file);
      if (isKnown ? headers.accept(file) : headers.isDatabase(file)) {
        found.add(file);
      }
    }
    return FileVisitResult.CONTINUE;
  }

  @Override
  public FileVisitResult visitFileFailed(Path file, IOException failure) {
    fail(file, failure);
    return FileVisitResult.CONTINUE;
  }

  @Override
  public FileVisitResult postVisitDirectory(Path folder, @Nullable IOException failure) {
    if (failure != null) {
      fail(folder, failure);
    }
    return FileVisitResult.CONTINUE;
  }

  /** What is gone is gone; what cannot be looked at is as it was. */
  private void fail(Path place, IOException failure) {
    if (failure instanceof NoSuchFileException) {
      if (place.equals(entry.directory())) {
        problems.add("there is no directory " + place);
      }
      return;
    }
    String why =
        failure instanceof AccessDeniedException ? "permission denied" : failure.getMessage();
    problems.add(place + " cannot be read: " + why);
    before.stream().filter(path -> path.startsWith(place)).forEach(found::add);
  }
}
