/** A replica as Spring Boot's data source. */
@NullMarked
package dev.sluice.examples.springboot;

import org.jspecify.annotations.NullMarked;
